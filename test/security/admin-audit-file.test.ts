import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { describe, expect, test } from '@jest/globals'
import { AuditFile } from '../../src/server/audit/audit-file.js'
import { readAuditPage } from '../../src/server/audit/audit-page.js'
import { eventsOf, linesOf, path } from './rig/audited-admin.js'

describe('the file', () => {
  test('has a line for each of many at once, whole', async () => {
    const files = [new AuditFile({ path, sync: false }), new AuditFile({ path, sync: false })]
    await Promise.all(
      Array.from({ length: 500 }, (_, i) =>
        files[i % 2]!.append(JSON.stringify({ i, filler: 'x'.repeat(i) })),
      ),
    )
    for (const file of files) await file.close()
    const events = await eventsOf()
    expect(new Set(events.map(({ i }) => i)).size).toBe(500)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  test('is made anew when it was renamed or removed, without a signal', async () => {
    const file = new AuditFile({ path, sync: true })
    await file.append('{"n":1}')
    await rename(path, `${path}.1`)
    await file.append('{"n":2}')
    await rm(path)
    await file.append('{"n":3}')
    await file.close()
    expect(await linesOf(`${path}.1`)).toEqual(['{"n":1}'])
    expect(await linesOf()).toEqual(['{"n":3}'])
  })

  test('goes on after what a crash left behind', async () => {
    await writeFile(path, '{"n":1}\n{"n":2,"cut')
    const file = new AuditFile({ path, sync: true })
    await file.append('{"n":3}')
    await file.close()
    expect(await linesOf()).toEqual(['{"n":1}', '{"n":2,"cut', '{"n":3}'])
    expect(await readAuditPage(path, {})).toEqual({
      events: [{ n: 3 }, { n: 1 }],
      cursor: null,
      unreadable: 1,
    })
  })

  test('that can not be written is said to be so, and written again once it can', async () => {
    await mkdir(path)
    const file = new AuditFile({ path, sync: true })
    await expect(file.append('{"n":1}')).rejects.toMatchObject({ code: 'STRATA_AUDIT', status: 503 })
    await rm(path, { recursive: true })
    await file.append('{"n":2}')
    await file.close()
    expect(await linesOf()).toEqual(['{"n":2}'])
    await expect(file.append('{"n":3}')).rejects.toMatchObject({ code: 'STRATA_AUDIT' })
  })
})

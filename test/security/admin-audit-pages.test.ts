import { appendFile, rename, writeFile } from 'node:fs/promises'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type request from 'supertest'
import { readAuditPage } from '../../src/server/audit/audit-page.js'
import { admin, path } from './rig/audited-admin.js'

describe('GET /audit', () => {
  test('gives pages from the newest on, without holes or repeats, while lines are added', async () => {
    const { api } = await admin()
    expect((await api('get', '/audit').expect(200)).body).toEqual({ events: [], cursor: null, unreadable: 0 })
    const lines = Array.from({ length: 100 }, (_, n) => JSON.stringify({ n, filler: 'é'.repeat(n * 40) }))
    await writeFile(path, `${lines.join('\n')}\n`)
    const seen: number[] = []
    let cursor: string | null = null
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`
      const { body }: request.Response = await api('get', `/audit?limit=7${query}`).expect(200)
      expect(body.events.length).toBeLessThanOrEqual(7)
      seen.push(...body.events.map(({ n }: { n: number }) => n))
      cursor = body.cursor
      await appendFile(path, '{"n":1000}\n')
    } while (cursor !== null)
    expect(seen).toEqual(lines.map((_, i) => 99 - i))
  })

  test('any file, any size of pages: all lines, once (200 runs)', async () => {
    const line = fc.oneof(
      fc.record({ n: fc.integer() }).map(value => JSON.stringify(value)),
      fc.constant(''),
      fc.string({ maxLength: 20 }).map(text => text.replace(/\n/g, '')),
      fc.nat(200_000).map(length => JSON.stringify({ filler: 'x'.repeat(length) })),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        async (all, limit) => {
          await writeFile(path, all.map(text => `${text}\n`).join(''))
          const events: unknown[] = []
          let cursor: string | null = null
          let pages = 0
          do {
            const page = await readAuditPage(path, {
              limit: String(limit),
              ...(cursor !== null && { cursor }),
            })
            events.push(...page.events)
            cursor = page.cursor
            expect(++pages).toBeLessThan(50)
          } while (cursor !== null)
          const whole = all.flatMap(text => {
            try {
              const value: unknown = JSON.parse(text)
              return typeof value === 'object' && value !== null ? [value] : []
            } catch {
              return []
            }
          })
          expect(events).toEqual(whole.reverse())
        },
      ),
      { numRuns: 200 },
    )
  })

  test('reads no more than a megabyte for a page, whatever stands in the file', async () => {
    await writeFile(path, `{"n":1}\n${'x'.repeat(3_000_000)}\n{"n":2}\n`)
    const first = await readAuditPage(path, {})
    expect(first.events).toEqual([{ n: 2 }])
    let cursor = first.cursor
    const events: unknown[] = []
    while (cursor !== null) {
      const page = await readAuditPage(path, { cursor })
      events.push(...page.events)
      cursor = page.cursor
    }
    expect(events).toEqual([{ n: 1 }])
  })

  test.each([
    '/audit?limit=0',
    '/audit?limit=201',
    '/audit?limit=x',
    '/audit?cursor=../../etc/passwd',
    '/audit?cursor=0.1',
    '/audit?file=/etc/passwd',
  ])('%s: 400', async url => {
    const { api } = await admin()
    await writeFile(path, '{"n":1}\n')
    await api('get', url).expect(400)
  })

  test('a cursor of a file that was rotated: 400 that says so', async () => {
    const { api } = await admin()
    await writeFile(path, '{"n":1}\n{"n":2}\n')
    const { cursor } = (await api('get', '/audit?limit=1').expect(200)).body
    await rename(path, `${path}.1`)
    await writeFile(path, '{"n":3}\n{"n":4}\n')
    const { body } = await api('get', `/audit?cursor=${cursor}`).expect(400)
    expect(body.detail).toContain('rotated')
  })
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { AccessLog } from '../../../src/engine/sweep/access-log.js'
import { Sweeper } from '../../../src/engine/sweep/sweeper.js'
import { createStrata } from '../../../src/index.js'
import { AuditFile } from '../../../src/server/audit/audit-file.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strata-closing-'))
})
afterEach(async () => {
  jest.restoreAllMocks()
  await rm(folder, { recursive: true, force: true })
})

test('a part that can not be closed keeps no other open, and the first error is thrown', async () => {
  const { operator, close } = await createStrata({
    backend: 'embedded',
    dataDir: folder,
    log: { level: 'silent' },
  })
  await expect(operator.keys({})).resolves.toMatchObject({ keys: [] })
  jest.spyOn(Sweeper.prototype, 'stop').mockRejectedValue(new Error('the sweeper does not stop'))
  jest.spyOn(AccessLog.prototype, 'flush').mockRejectedValue(new Error('access times can not be written'))
  const audit = jest.spyOn(AuditFile.prototype, 'close')
  await expect(close()).rejects.toThrow('the sweeper does not stop')
  await expect(operator.keys({})).rejects.toMatchObject({ code: 'STRATA_STORE_UNAVAILABLE' })
  expect(audit).toHaveBeenCalledTimes(1)
})

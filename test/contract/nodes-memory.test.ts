import { memoryLocks, memoryRegistry } from '../support/node-doubles.js'
import { ManualTime } from '../support/manual-timers.js'
import { fillLocksSuite } from './fill-locks.suite.js'
import { nodeRegistrySuite } from './node-registry.suite.js'

nodeRegistrySuite('memory', async () => {
  const time = new ManualTime()
  let fence = { epoch: 'e', seq: 0 }
  const registry = memoryRegistry(() => fence, time)
  return {
    registry,
    other: registry,
    raise: async () => (fence = { ...fence, seq: fence.seq + 1 }),
    pass: async ms => time.advance(ms),
    cleanup: async () => undefined,
  }
})

fillLocksSuite('memory', async () => {
  const time = new ManualTime()
  const locks = memoryLocks(time, time)
  return { locks, other: locks, pass: async ms => time.advance(ms), cleanup: async () => undefined }
})

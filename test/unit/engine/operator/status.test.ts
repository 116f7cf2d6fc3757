import { describe, expect, jest, test } from '@jest/globals'
import { T0 } from '../../../support/entries.js'
import { ManualTime } from '../../../support/manual-timers.js'
import { operatedCache } from '../../../support/operated-cache.js'

describe('status', () => {
  test('says what is there', async () => {
    const { operator, fill, stats } = await operatedCache({ memory: () => ({ keys: 2, bytes: 3 }) })
    await fill('a')
    await fill('b', { responseTime: T0 + 1 })
    stats.hits = 3
    stats.misses = 1
    expect(await operator.status()).toMatchObject({
      backend: 'memory',
      namespace: 'test',
      tiers: { metadata: { ok: true }, bodies: { ok: true }, memory: { keys: 2, bytes: 3 } },
      entries: 2,
      bytes: 2,
      oldest: new Date(T0).toISOString(),
      newest: new Date(T0 + 1).toISOString(),
      hits: 3,
      misses: 1,
      hitRatio: 0.75,
      uptimeSeconds: 10,
      fence: { seq: 0, marks: 0 },
    })
  })

  test('a store that hangs is said to be so, after a bounded time', async () => {
    const time = new ManualTime()
    const { operator, metadata, bodies } = await operatedCache({ timers: time })
    jest.spyOn(metadata, 'ping').mockReturnValue(new Promise(() => {}))
    jest.spyOn(metadata, 'usage').mockReturnValue(new Promise(() => {}))
    jest.spyOn(bodies, 'ping').mockRejectedValue(new Error('refused'))
    const pending = operator.status()
    await new Promise(resolve => setImmediate(resolve))
    time.advance(1000)
    expect(await pending).toMatchObject({
      tiers: {
        metadata: { ok: false, reason: 'no answer within 1000 ms' },
        bodies: { ok: false, reason: 'refused' },
      },
      entries: null,
      bytes: null,
      oldest: null,
    })
  })
})

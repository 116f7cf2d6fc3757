import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { MetadataStore } from '../../src/engine/ports/index.js'
import type { StrataError } from '../../src/errors.js'
import { guardMetadata } from '../../src/stores/guarded.js'
import { connectRedis, disconnectRedis, type RedisClient } from '../../src/stores/redis/client.js'
import { redisMetadataStore } from '../../src/stores/redis/metadata.js'
import { sampleBody, sampleEntry, sampleKey, storeEntry, T0 } from '../support/entries.js'
import { startRedis, type RedisServer } from '../support/redis-server.js'

const namespace = 'faults'
const KEY = `{strata:${namespace}}:`

let server: RedisServer
let clients: RedisClient[]

beforeEach(async () => {
  server = await startRedis()
  clients = []
})
afterEach(async () => {
  clients.forEach(disconnectRedis)
  await server.stop()
})

async function connect(commandTimeoutMs = 300): Promise<RedisClient> {
  const client = await connectRedis({ url: server.url, commandTimeoutMs, connectTimeoutMs: 500 })
  clients.push(client)
  return client
}

async function open(): Promise<{ store: MetadataStore; redis: RedisClient }> {
  const redis = await connect()
  return { store: redisMetadataStore({ redis, namespace }), redis }
}

async function failureOf(answer: unknown): Promise<Pick<StrataError, 'code' | 'message'>> {
  try {
    await answer
  } catch (error) {
    return error as StrataError
  }
  throw new Error('it did not fail')
}

/** Asks until it is answered; the test's own time limit ends a wait in vain. */
async function healed<T>(ask: () => T | Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch {
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
}

describe('Redis stands still (SIGSTOP)', () => {
  test('every call ends with an error, and after SIGCONT all is as before', async () => {
    const { store } = await open()
    const { entry } = await storeEntry(store)
    server.pause()
    const calls = [
      store.lookup(entry.key),
      store.invalidate(['m']),
      store.usage(),
      store.list(10),
      store.ping(),
    ]
    for (const call of calls) expect((await failureOf(call)).code).toMatch(/^STRATA_STORE_/)
    server.resume()
    expect((await healed(() => store.lookup(entry.key))).entries).toEqual([entry])
  })

  test('the guard opens after some timeouts, refuses at once, and closes when Redis is back', async () => {
    const { store } = await open()
    await storeEntry(store)
    const guarded = guardMetadata(store, { timeoutMs: 50, breakerFailures: 2, breakerResetMs: 100 })
    server.pause()
    expect((await failureOf(guarded.lookup(sampleKey(1)))).code).toBe('STRATA_STORE_TIMEOUT')
    await failureOf(guarded.lookup(sampleKey(1)))
    expect(guarded.health().state).toBe('open')
    expect((await failureOf(guarded.invalidate(['m']))).code).toBe('STRATA_STORE_UNAVAILABLE')
    server.resume()
    await healed(() => guarded.lookup(sampleKey(1)))
    expect(guarded.health().state).toBe('ok')
  })

  test('a commit that timed out lands late: dead by every mark that came after its check', async () => {
    const [a, b] = [await open(), await open()]
    for (let round = 0; round < 5; round++) {
      const { fence } = await a.store.lookup(sampleKey('late'))
      const entry = sampleEntry({ key: sampleKey('late'), stamp: fence, body: sampleBody(`round ${round}`) })
      await a.store.reserveBody(entry.body.id, Date.now() + 60_000)
      server.pause()
      expect((await failureOf(a.store.commit(entry, { checked: fence, maxVariants: 9 }))).code).toBe(
        'STRATA_STORE_TIMEOUT',
      )
      server.resume()
      const after = await healed(() => b.store.invalidate(['a mark on this key']))
      await healed(() => a.store.ping()) // behind the commit on its connection: it has landed or was refused
      const found = await b.store.lookup(entry.key)
      expect(found.fence).toEqual(after)
      for (const { stamp } of found.entries) {
        expect(stamp.epoch).toBe(after.epoch)
        expect(stamp.seq).toBeLessThan(after.seq)
      }
    }
    // Ledger and counters have kept step, whether it landed or not.
    const { entries } = await b.store.lookup(sampleKey('late'))
    expect(await b.store.usage()).toMatchObject({ entries: entries.length, bodies: entries.length })
  })

  test('an invalidation that timed out may have happened, and then all of it', async () => {
    const { store } = await open()
    const { fence } = await store.lookup(sampleKey(1))
    server.pause()
    await failureOf(store.invalidate(['one', 'two']))
    server.resume()
    await healed(() => store.ping())
    const page = await store.marksAfter(fence.seq, 10)
    expect(page.marks.map(({ mark }) => mark)).toEqual(page.fence.seq === fence.seq ? [] : ['one', 'two'])
  })
})

describe('Redis is lost', () => {
  test('killed: calls reject; started again empty: a new epoch, and commits checked in the old one are refused', async () => {
    const { store } = await open()
    const { entry } = await storeEntry(store)
    const before = await store.invalidate(['m'])
    process.kill(server.pid, 'SIGKILL')
    expect((await failureOf(store.lookup(entry.key))).code).toBe('STRATA_STORE_UNAVAILABLE')
    await server.restart()
    const { entries, fence } = await healed(() => store.lookup(entry.key))
    expect(entries).toEqual([])
    expect(fence.epoch).not.toBe(before.epoch)
    const late = { ...entry, stamp: before }
    expect(await store.commit(late, { checked: before, maxVariants: 9 })).toEqual({
      ok: false,
      reason: 'fence',
      fence,
    })
  })

  test('not there at start: connecting ends all the same, and it heals when Redis comes', async () => {
    process.kill(server.pid, 'SIGKILL')
    const { store } = await open()
    expect((await failureOf(store.lookup(sampleKey(1)))).code).toBe('STRATA_STORE_UNAVAILABLE')
    await server.restart()
    expect((await healed(() => store.lookup(sampleKey(1)))).entries).toEqual([])
  })

  test('errors of the connection go to the callback, none to the process', async () => {
    process.kill(server.pid, 'SIGKILL')
    const told: StrataError[] = []
    clients.push(await connectRedis({ url: server.url, connectTimeoutMs: 300 }, error => told.push(error)))
    expect(told[0]).toMatchObject({
      code: 'STRATA_STORE_UNAVAILABLE',
      message: expect.stringContaining('no connection'),
    })
  })
})

describe('parts of the data are lost', () => {
  const lost: [string, (redis: RedisClient) => Promise<unknown>][] = [
    ['the fence', redis => redis.del(`${KEY}f`)],
    ['the log of marks', redis => redis.del(`${KEY}m`)],
    ['everything', redis => (redis as unknown as { flushall(): Promise<unknown> }).flushall()],
    ['the newest writes (a failover)', redis => redis.hset(`${KEY}f`, 's', 1)],
  ]
  test.each(lost)('%s: a new epoch, so that nothing older is taken for live', async (_name, lose) => {
    const { store, redis } = await open()
    await store.invalidate(['a', 'b'])
    await store.invalidate(['c'])
    const { entry } = await storeEntry(store)
    const before = (await store.lookup(entry.key)).fence
    await lose(redis)
    const { entries, fence } = await store.lookup(entry.key)
    expect(fence.epoch).not.toBe(before.epoch)
    expect(entries.every(({ stamp }) => stamp.epoch !== fence.epoch)).toBe(true)
    expect(await store.marksAfter(0, 10)).toEqual({ fence, marks: [], floor: 0, retired: 0 })
    expect(await store.markCount()).toBe(0)
    expect((await store.lookup(entry.key)).fence).toEqual(fence)
  })

  test('a retirement of the old epoch drops no mark of the new one', async () => {
    const [a, b] = [await open(), await open()]
    await a.store.lookup(sampleKey(1))
    const old = await a.store.invalidate(['old'])
    await b.redis.del(`${KEY}f`)
    await b.store.invalidate(['new'])
    await a.store.retireMarks(old.seq, true)
    expect((await b.store.marksAfter(0, 10)).marks.map(({ mark }) => mark)).toEqual(['new'])
    expect((await b.store.marksAfter(0, 10)).floor).toBe(0)
  })

  test('half of all keys evicted: lists, orders and counters go on, and heal as they are used', async () => {
    const { store, redis } = await open()
    for (let n = 0; n < 120; n++) await storeEntry(store, { key: sampleKey(n), uselessAt: T0 + n })
    const keys = (await redis.keysBuffer(`${KEY}*`)).sort(Buffer.compare)
    for (const [i, key] of keys.entries()) if (i % 2 === 0) await redis.del(key)

    const listed: string[] = []
    let cursor: string | undefined
    do {
      const page = await store.list(7, cursor)
      listed.push(...page.items.map(({ entry }) => entry.key))
      cursor = page.cursor
    } while (cursor !== undefined)
    expect(listed.length).toBeGreaterThan(0)
    expect(new Set(listed).size).toBe(listed.length)
    for (const key of listed) expect((await store.lookup(key)).entries).toHaveLength(1)

    // After a whole walk each order has exactly what is listed.
    expect((await store.leastRecent(1_000)).map(h => h.key).sort()).toEqual([...listed].sort())
    expect((await store.useless(T0 + 1_000, 1_000)).map(h => h.key).sort()).toEqual([...listed].sort())
    expect(await store.remove(await store.leastRecent(1_000))).toBe(listed.length)
    expect(await store.leastRecent(10)).toEqual([])
    expect((await store.list(10)).items).toEqual([])
    const usage = await store.usage()
    for (const count of [usage.entries, usage.bodies, usage.bodyBytes, usage.entryBytes]) {
      expect(count).toBeGreaterThanOrEqual(0)
    }
    expect((await storeEntry(store, { key: sampleKey(500) })).result).toEqual({ ok: true })
    expect((await store.list(10)).items).toHaveLength(1)
  })

  test('the server forgets the scripts: they are sent again', async () => {
    const { store, redis } = await open()
    const { entry } = await storeEntry(store)
    await redis.script('FLUSH')
    expect((await store.lookup(entry.key)).entries).toEqual([entry])
  })
})

describe('Redis refuses', () => {
  test('out of memory: commits say so, lookups go on', async () => {
    const { store, redis } = await open()
    const { entry, result } = await storeEntry(store)
    expect(result).toEqual({ ok: true })
    await redis.config('SET', 'maxmemory', '1')
    const refused = await failureOf(storeEntry(store, { key: sampleKey('more') }))
    expect(refused).toMatchObject({
      code: 'STRATA_STORE_UNAVAILABLE',
      message: expect.stringContaining('maxmemory'),
    })
    expect((await store.lookup(entry.key)).entries).toEqual([entry])
    await redis.config('SET', 'maxmemory', '0')
    expect((await storeEntry(store, { key: sampleKey('more') })).result).toEqual({ ok: true })
  })

  test('a primary that has become a replica: an invalidation is refused, never taken for done', async () => {
    const { store, redis } = await open()
    const { entry } = await storeEntry(store)
    const { fence } = await store.lookup(entry.key)
    const other = await connect()
    await other.call('REPLICAOF', '127.0.0.1', '1')
    expect(await failureOf(store.invalidate(['m']))).toMatchObject({
      code: 'STRATA_STORE_UNAVAILABLE',
      message: expect.stringContaining('replica'),
    })
    await other.call('REPLICAOF', 'NO', 'ONE')
    expect((await healed(() => store.invalidate(['m']))).seq).toBe(fence.seq + 1)
    expect(redis.status).toBe('ready')
  })

  test('wrong credentials', async () => {
    const admin = await connect()
    await admin.config('SET', 'requirepass', 'right')
    const client = await connectRedis({ url: server.url.replace('//', '//:wrong@'), connectTimeoutMs: 300 })
    clients.push(client)
    const store = redisMetadataStore({ redis: client, namespace })
    expect((await failureOf(store.lookup(sampleKey(1)))).code).toBe('STRATA_STORE_UNAVAILABLE')
  })
})

import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { reconcile } from '../../../src/engine/reconcile.js'
import type { JobOptions } from '../../../src/engine/jobs/job.js'
import { SeenNames } from '../../../src/engine/reconcile/seen-names.js'
import { Pass } from '../../../src/engine/sweep/pass.js'
import { StrataError } from '../../../src/errors.js'
import { inlineName } from '../../../src/engine/ports/index.js'
import { sampleBody, sampleEntry, sampleKey } from '../../support/entries.js'
import { sweptStore } from '../../support/swept-store.js'

const HOUR = 3_600_000

async function made() {
  const store = await sweptStore()
  // Bodies of the memory store are of the real time: let the grace be over for them.
  const clock = { now: () => Date.now() + 2 * HOUR, monotonic: () => 0 }
  const run = async (options: JobOptions = {}, extra: object = {}) => {
    const pass = new Pass(clock.now())
    const { metadata, bodies, sweeper } = store
    const parts = { metadata, bodies, orphans: sweeper.orphans, clock, graceMs: HOUR, ...extra }
    await pass.run(() => reconcile(parts, pass, options), clock)
    return pass.progress()
  }
  const ids = async () => (await store.bodies.list(1000)).bodies.map(({ id }) => id).sort()
  const fill = async (name: string) => {
    const entry = await store.fill(name)
    await store.bodies.put(entry.body.id, Buffer.alloc(entry.body.size, name))
    return entry
  }
  return { ...store, fill, clock, run, ids }
}

describe('reconcile', () => {
  test('agreement stays as it is', async () => {
    const { fill, run, names, ids } = await made()
    for (const name of ['a', 'b', 'c']) await fill(name)
    const before = await ids()
    expect(await run()).toMatchObject({ state: 'done', examined: 6, total: 6, removed: 0, bodies: 0 })
    expect(await names()).toEqual(['a', 'b', 'c'])
    expect(await ids()).toEqual(before)
  })

  test('bodies that the ledger does not know go, for good', async () => {
    const { fill, run, bodies, ids, metadata } = await made()
    const { body } = await fill('a')
    await bodies.put('lost-1', Buffer.from('12345'))
    await bodies.put('lost-2', Buffer.from('123'))
    expect(await run({ dryRun: true })).toMatchObject({ state: 'done', bodies: 2, bytes: 8, removed: 0 })
    expect(await ids()).toEqual(['lost-1', 'lost-2', body.id].sort())
    expect(await metadata.unknownBodies(['lost-1'])).toEqual(['lost-1'])
    expect(await run()).toMatchObject({ state: 'done', bodies: 2, bytes: 8, removed: 0 })
    expect(await ids()).toEqual([body.id])
    expect(await metadata.unknownBodies(['lost-1', body.id])).toEqual(['lost-1'])
  })

  test('a body that is kept with the metadata is in no list, and missed only where it is gone', async () => {
    const { run, metadata, names } = await made()
    const { fence } = await metadata.lookup(sampleKey('kept'))
    for (const [name, text] of Object.entries({ kept: 'there', lost: 'gone' })) {
      const shared = sampleBody(text)
      const body = { ...shared, id: inlineName(shared.digest) }
      const entry = sampleEntry({ key: sampleKey(name), url: `http://h/${name}`, body, stamp: fence })
      await metadata.commit(entry, { checked: fence, maxVariants: 1, inline: Buffer.from(text) })
    }
    expect(await run({ checkEach: true })).toMatchObject({ state: 'done', examined: 2, total: 2, removed: 0 })
    const lost = inlineName(sampleBody('gone').digest)
    const inlineBody = (id: string) => {
      if (id === lost) throw new StrataError('STRATA_BODY_MISSING', 'evicted')
      return metadata.inlineBody(id)
    }
    const evicted = new Proxy(metadata, {
      get: (store, name) => {
        const value: unknown = name === 'inlineBody' ? inlineBody : Reflect.get(store, name, store)
        return typeof value === 'function' ? (value.bind(store) as unknown) : value
      },
    })
    expect(await run({}, { metadata: evicted })).toMatchObject({ state: 'done', removed: 1 })
    expect(await names()).toEqual(['kept'])
  })

  test('young ones stay: a fill may be about to commit them', async () => {
    const { run, bodies, ids } = await made()
    await bodies.put('young', Buffer.from('1'))
    expect(await run({ graceMs: 3 * HOUR })).toMatchObject({ bodies: 0, bytes: 0 })
    expect(await ids()).toEqual(['young'])
    expect(await run({ graceMs: 0 })).toMatchObject({ bodies: 1 })
  })

  test('a fill that comes to the same name between the question and the deletion keeps its body', async () => {
    const { fill, run, bodies, metadata, ids } = await made()
    const probe = await made()
    const { body } = await probe.fill('shared')
    await bodies.put(body.id, Buffer.from('shared'))
    const racing = {
      ...withMethods(metadata),
      unknownBodies: async (asked: readonly string[]) => {
        const unknown = await metadata.unknownBodies(asked)
        await fill('shared')
        return unknown
      },
    }
    expect(await run({}, { metadata: racing })).toMatchObject({ state: 'done', bodies: 0, removed: 0 })
    expect(await ids()).toEqual([body.id])
  })

  test('entries without body, or with a shorter one, are dropped', async () => {
    const { fill, run, bodies, names } = await made()
    const [a, , c] = [await fill('a'), await fill('b'), await fill('c')]
    await bodies.remove([a.body.id])
    const cut = {
      ...withMethods(bodies),
      list: async (limit: number, cursor?: string) => {
        const page = await bodies.list(limit, cursor)
        return {
          ...page,
          bodies: page.bodies.map(b => (b.id === c.body.id ? { ...b, size: b.size - 1 } : b)),
        }
      },
      read: (id: string, range?: { first: number; last: number }) =>
        id === c.body.id
          ? Promise.reject(new StrataError('STRATA_BODY_DAMAGED', 'short'))
          : bodies.read(id, range),
    }
    expect(await run({ dryRun: true }, { bodies: cut })).toMatchObject({ removed: 2 })
    expect(await names()).toEqual(['a', 'b', 'c'])
    expect(await run({}, { bodies: cut })).toMatchObject({ state: 'done', removed: 2 })
    expect(await names()).toEqual(['b'])
  })

  test('a list that is wrong is believed, unless each body is to be checked', async () => {
    const { fill, run, bodies, names } = await made()
    const { body } = await fill('a')
    const page = await bodies.list(10)
    await bodies.remove([body.id])
    const lying = { ...withMethods(bodies), list: async () => page }
    expect(await run({}, { bodies: lying })).toMatchObject({ removed: 0 })
    expect(await run({ checkEach: true }, { bodies: lying })).toMatchObject({ removed: 1 })
    expect(await names()).toEqual([])
  })

  test('a body store that is down: nothing is dropped', async () => {
    const { fill, run, bodies, names } = await made()
    await fill('a')
    const down = {
      ...withMethods(bodies),
      list: async () => ({ bodies: [] }),
      read: () => Promise.reject(new StrataError('STRATA_STORE_UNAVAILABLE', 'down')),
    }
    expect(await run({}, { bodies: down })).toMatchObject({ state: 'failed', error: 'down', removed: 0 })
    expect(await names()).toEqual(['a'])
  })
})

/** The methods of a class instance as own properties, so that some can be replaced. */
function withMethods<T extends object>(store: T): T {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(store)).filter(
    name => name !== 'constructor',
  )
  const methods = names.map(name => {
    const value: unknown = Reflect.get(store, name)
    return [name, typeof value === 'function' ? (value.bind(store) as unknown) : value]
  })
  return Object.fromEntries(methods) as T
}

describe('names that were seen', () => {
  test('each that was added is seen; of others hardly any', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ maxLength: 70 }), { maxLength: 300 }), names => {
        const seen = new SeenNames(names.length)
        for (const name of names) seen.add(name)
        expect(names.every(name => seen.has(name))).toBe(true)
      }),
    )
    const seen = new SeenNames(100_000)
    for (let i = 0; i < 100_000; i++) seen.add(`s-${i} 12`)
    let wrong = 0
    for (let i = 0; i < 100_000; i++) if (seen.has(`l-${i} 12`)) wrong++
    expect(wrong).toBeLessThan(200)
  })
})

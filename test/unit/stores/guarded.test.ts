import { describe, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { PassThrough, type Readable } from 'node:stream'
import type { BodyStore, Lookup, MetadataStore } from '../../../src/engine/ports/index.js'
import { StrataError } from '../../../src/errors.js'
import { guardBodies, guardMetadata, type TierHealth } from '../../../src/stores/guarded.js'

const FOUND: Lookup = { entries: [], fence: { epoch: 'e', seq: 1 } }
const settings = { timeoutMs: 20, breakerFailures: 3, breakerResetMs: 60_000 }
const down = () => Promise.reject(new StrataError('STRATA_STORE_UNAVAILABLE', 'no connection'))
const never = () => new Promise<never>(() => undefined)

/** A store of which only the given methods are there: any other call fails the test. */
const metadata = (methods: Partial<MetadataStore>) => ({ name: 'fake', ...methods }) as MetadataStore
const bodies = (methods: Partial<BodyStore>) => ({ name: 'fake', ...methods }) as BodyStore

async function codeOf(answer: unknown): Promise<string | undefined> {
  try {
    await answer
  } catch (error) {
    return (error as StrataError).code
  }
  return undefined
}

describe('guardMetadata', () => {
  test('an answer at once stays one, without a promise', () => {
    const guarded = guardMetadata(metadata({ lookup: () => FOUND }), settings)
    expect(guarded.lookup('k')).toBe(FOUND)
    expect(guarded.health()).toMatchObject({ state: 'ok', latencyMs: 0 })
  })

  test('a promise comes through, and its time counts', async () => {
    const guarded = guardMetadata(metadata({ lookup: async () => FOUND }), settings)
    expect(await guarded.lookup('k')).toBe(FOUND)
    expect(guarded.health().latencyMs).toBeGreaterThan(0)
  })

  test('a call that hangs ends with a timeout, each on its own', async () => {
    const guarded = guardMetadata(
      metadata({ lookup: never, marksAfter: never, reserveBody: never, commit: never }),
      { ...settings, breakerFailures: 100 },
    )
    const calls = [guarded.lookup('k'), guarded.marksAfter(0, 1), guarded.reserveBody('b', 1)]
    expect(await Promise.all(calls.map(codeOf))).toEqual(Array(3).fill('STRATA_STORE_TIMEOUT'))
  })

  test('a timed-out call that fails later is no unhandled rejection', async () => {
    let fail: (error: Error) => void = () => undefined
    const guarded = guardMetadata(
      metadata({ lookup: () => new Promise((_, reject) => (fail = reject)) }),
      settings,
    )
    expect(await codeOf(guarded.lookup('k'))).toBe('STRATA_STORE_TIMEOUT')
    fail(new Error('late'))
    await new Promise(resolve => setImmediate(resolve))
    expect(guarded.health()).toMatchObject({ state: 'failing', reason: expect.stringContaining('20 ms') })
  })

  test('failures in a row open the breaker: then nothing reaches the store', async () => {
    let calls = 0
    const changes: TierHealth[] = []
    const lookup = () => (calls++, down())
    const guarded = guardMetadata(metadata({ lookup, invalidate: down }), settings, h => changes.push(h))
    for (let i = 0; i < 3; i++) expect(await codeOf(guarded.lookup('k'))).toBe('STRATA_STORE_UNAVAILABLE')
    expect(guarded.health().state).toBe('open')
    expect(await codeOf(guarded.lookup('k'))).toBe('STRATA_STORE_UNAVAILABLE')
    expect(calls).toBe(3)
    expect(changes.map(({ state }) => state)).toEqual(['failing', 'open'])
    expect(changes[1]).toMatchObject({ reason: 'no connection' })
  })

  test.each(['invalidate', 'retireMarks', 'marksAfter'] as const)(
    '%s rejects when the breaker is open, and is never taken for done',
    async name => {
      let asked = 0
      const method = async () => void asked++
      const guarded = guardMetadata(metadata({ ping: down, [name]: method }), {
        ...settings,
        breakerFailures: 1,
      })
      await codeOf(guarded.ping())
      const call = { invalidate: [['m']], retireMarks: [1, false], marksAfter: [0, 1] }[name] as never[]
      expect(await codeOf((guarded[name] as (...args: never[]) => Promise<unknown>)(...call))).toBe(
        'STRATA_STORE_UNAVAILABLE',
      )
      expect(asked).toBe(0)
    },
  )

  test('a success between failures keeps it closed; also an answer at once', async () => {
    let healthy = false
    const guarded = guardMetadata(
      metadata({ ping: down, lookup: () => FOUND, markCount: async () => 0 }),
      settings,
    )
    for (let i = 0; i < 8; i++) {
      healthy = !healthy
      await codeOf(guarded.ping())
      await codeOf(guarded.ping())
      if (healthy) guarded.lookup('k')
      else await guarded.markCount()
      expect(guarded.health().state).toBe('ok')
    }
  })

  test('after the reset time one call is tried; others are refused meanwhile, and it heals', async () => {
    let answer: (lookup: Lookup) => void = () => undefined
    let calls = 0
    let broken = true
    const lookup = () => (calls++, broken ? down() : new Promise<Lookup>(resolve => (answer = resolve)))
    const states: string[] = []
    const guarded = guardMetadata(
      metadata({ lookup }),
      { timeoutMs: 10_000, breakerFailures: 1, breakerResetMs: 0 },
      h => states.push(h.state),
    )
    await codeOf(guarded.lookup('k'))
    broken = false
    const trial = guarded.lookup('k')
    expect(await codeOf(guarded.lookup('other'))).toBe('STRATA_STORE_UNAVAILABLE')
    expect(calls).toBe(2)
    answer(FOUND)
    expect(await trial).toBe(FOUND)
    expect(guarded.health().state).toBe('ok')
    expect(states).toEqual(['open', 'ok'])
  })

  test('a trial that fails keeps it open', async () => {
    const guarded = guardMetadata(metadata({ ping: down }), {
      ...settings,
      breakerFailures: 1,
      breakerResetMs: 0,
    })
    await codeOf(guarded.ping())
    await codeOf(guarded.ping())
    expect(guarded.health().state).toBe('open')
  })

  test('a method that throws at once counts as a failure, and rejects', async () => {
    const lookup = () => {
      throw new Error('boom')
    }
    const guarded = guardMetadata(metadata({ lookup }), { ...settings, breakerFailures: 1 })
    await expect(Promise.resolve(guarded.lookup('k'))).rejects.toThrow('boom')
    expect(guarded.health()).toMatchObject({ state: 'open', reason: 'boom' })
  })
})

describe('guardBodies', () => {
  test('a missing body says nothing against the tier', async () => {
    const missing = () => Promise.reject(new StrataError('STRATA_BODY_MISSING', 'not there'))
    const guarded = guardBodies(bodies({ get: missing }), { ...settings, breakerFailures: 1 })
    expect(await codeOf(guarded.get('b'))).toBe('STRATA_BODY_MISSING')
    expect(guarded.health().state).toBe('ok')
  })

  test('a sink that takes a chunk without waiting makes no promise', async () => {
    const sink = { write: () => undefined, finish: async () => undefined, abort: async () => undefined }
    const guarded = guardBodies(bodies({ sink: () => sink }), settings).sink('b')
    expect(guarded.write(Buffer.from('x'))).toBeUndefined()
    expect(await guarded.finish()).toBeUndefined()
  })

  test('an upload that is stuck ends with a timeout', async () => {
    const sink = { write: never, finish: never, abort: async () => undefined }
    const guarded = guardBodies(bodies({ sink: () => sink, put: never }), settings, undefined, {
      uploadMs: 20,
    })
    expect(await codeOf(guarded.sink('b').write(Buffer.from('x')))).toBe('STRATA_STORE_TIMEOUT')
    expect(await codeOf(guarded.sink('b').finish())).toBe('STRATA_STORE_TIMEOUT')
    expect(await codeOf(guarded.put('b', Buffer.from('x')))).toBe('STRATA_STORE_TIMEOUT')
  })

  test('a stream that comes after its reader has given up is closed', async () => {
    let answer: (stream: Readable) => void = () => undefined
    const read = () => new Promise<Readable>(resolve => (answer = resolve))
    const guarded = guardBodies(bodies({ read }), settings)
    expect(await codeOf(guarded.read('b'))).toBe('STRATA_STORE_TIMEOUT')
    const stream = new PassThrough()
    answer(stream)
    await once(stream, 'close')
    expect(stream.destroyed).toBe(true)
  })

  test('a stream that breaks counts as a failure of the tier', async () => {
    const stream = new PassThrough()
    const guarded = guardBodies(bodies({ read: async () => stream }), { ...settings, breakerFailures: 1 })
    const given = await guarded.read('b')
    const closed = new Promise(resolve => given.once('close', resolve))
    given.destroy(new Error('cut'))
    await closed
    await new Promise(resolve => setImmediate(resolve))
    expect(guarded.health()).toMatchObject({ state: 'open', reason: 'cut' })
  })
})

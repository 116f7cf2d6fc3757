import { describe, expect, test } from '@jest/globals'
import { CHUNK_BYTES, digestOf } from '../../../src/engine/body/checks.js'
import { readLarge, readSmall } from '../../../src/engine/body/read.js'
import { Fence } from '../../../src/engine/fence/fence.js'
import { Fill, type FillDeps, type FillPlan } from '../../../src/engine/fill.js'
import { PendingBytes } from '../../../src/engine/pending.js'
import type { BodyStore, Entry, MetadataStore } from '../../../src/engine/ports/index.js'
import { memoryBodyStore, memoryMetadataStore } from '../../../src/stores/memory/index.js'
import { sampleEntry, T0 } from '../../support/entries.js'

const SMALL = 16
const clock = { now: () => T0, monotonic: () => 0 }

interface Faults {
  bodies?: Partial<BodyStore>
  metadata?: Partial<MetadataStore>
  pendingBytes?: number
  inlineBodyBytes?: number
  commit?: FillDeps['commit']
}

/** `real` with some calls replaced; in these `this` is the real one. */
function overlay<T extends object>(real: T, replaced: Partial<T> = {}): T {
  return new Proxy(real, {
    get(target, name) {
      const value: unknown = Reflect.get(replaced, name) ?? Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** Real memory stores, a real fence; single calls replaced by what fails. */
async function cache({
  bodies: badBodies,
  metadata: badMetadata,
  pendingBytes = 1000,
  inlineBodyBytes = 0,
  commit,
}: Faults = {}) {
  const metadata = memoryMetadataStore()
  const bodies = memoryBodyStore({ maxBytes: 1 << 22 })
  const fence = new Fence(metadata, { maxMarks: 100, onReset: () => {}, onMarks: () => {} })
  await fence.refresh()
  const pending = new PendingBytes(pendingBytes)
  const { body: _none, ...entry } = sampleEntry({ stamp: fence.state() })
  const deps: FillDeps = {
    metadata: overlay(metadata, badMetadata),
    bodies: overlay(bodies, badBodies),
    clock,
    pending,
    commit: commit ?? ((e, inline) => fence.commitChecked(e, { maxVariants: 10, inline })),
    smallBodyBytes: SMALL,
    inlineBodyBytes,
    reservationMs: 60_000,
  }
  let woken = 0
  const fill = (plan: Partial<FillPlan> = {}) =>
    new Fill(deps, { entry, maxBodyBytes: 1 << 21, exactRange: true, ...plan }, () => woken++)
  const entries = async () => (await metadata.lookup(entry.key)).entries
  const bodyIds = async () => (await bodies.list(100)).bodies.map(({ id }) => id)
  return { metadata, bodies, pending, fence, entry, fill, entries, bodyIds, woken: () => woken }
}

const failing = async () => Promise.reject(new Error('no'))
const written = (fill: Fill, ...texts: string[]) => {
  for (const text of texts) fill.write(Buffer.from(text))
  return fill.finish()
}

describe('small bodies', () => {
  test('are digested, stored under their digest, and committed last', async () => {
    const { fill, bodies, entries, pending } = await cache()
    const result = await written(fill(), 'ab', 'cd')
    expect(result).toMatchObject({ stored: true, bytes: Buffer.from('abcd') })
    const [entry] = await entries()
    expect(entry!.body).toMatchObject({ id: `s-${digestOf(Buffer.from('abcd'))}`, size: 4, chunkSize: 0 })
    expect((await readSmall(bodies, entry!.body)).toString()).toBe('abcd')
    expect(pending.bytes).toBe(0)
  })

  test('equal ones are written once', async () => {
    let puts = 0
    const { fill, bodyIds } = await cache({
      bodies: {
        async put(this: BodyStore, id, bytes) {
          puts++
          return this.put(id, bytes)
        },
      },
    })
    await written(fill(), 'same')
    await written(fill(), 'same')
    expect([puts, (await bodyIds()).length]).toEqual([1, 1])
  })

  test('an id that is just being deleted is not taken', async () => {
    let asked = 0
    const { fill, entries } = await cache({
      metadata: {
        async reserveBody(this: MetadataStore, id, until) {
          return asked++ === 0 ? 'busy' : this.reserveBody(id, until)
        },
      },
    })
    expect(await written(fill(), 'x')).toMatchObject({ stored: true })
    expect((await entries())[0]!.body.id).toMatch(/^u-/)
  })

  test('an empty one needs no body', async () => {
    const { fill, entries, bodyIds } = await cache()
    expect(await fill().finish()).toMatchObject({ stored: true })
    expect((await entries())[0]!.body).toMatchObject({ id: '', size: 0 })
    expect(await bodyIds()).toEqual([])
  })

  test('a part is combined with what was there, and must be as long as it says', async () => {
    const { fill, entry } = await cache()
    const ranged = { ...entry, range: { first: 0, last: 3 } }
    expect(await written(fill({ entry: ranged }), 'abc')).toEqual({ stored: false, reason: 'content-range' })
    expect(await written(fill({ entry: ranged, exactRange: false }), 'abc')).toMatchObject({ stored: true })
    const combine: FillPlan['combine'] = async bytes => ({ entry, bytes: Buffer.concat([bytes, bytes]) })
    expect(await written(fill({ entry: ranged, combine }), 'abcd')).toMatchObject({
      stored: true,
      bytes: Buffer.from('abcdabcd'),
    })
  })
})

describe('large bodies', () => {
  const big = Buffer.alloc(CHUNK_BYTES + 100, 7)

  test('are checked by chunk and read back', async () => {
    const { fill, bodies, entries, pending, woken } = await cache({ pendingBytes: 1 << 21 })
    const filling = fill()
    filling.write(big.subarray(0, 10))
    expect(filling.blocked).toBe(false)
    filling.write(big.subarray(10, 50))
    expect(filling.blocked).toBe(true) // until the store has reserved it
    filling.write(big.subarray(50, 60))
    filling.write(big.subarray(60))
    while (woken() === 0) await new Promise(setImmediate)
    expect(filling.blocked).toBe(false)
    expect(await filling.finish()).toMatchObject({ stored: true, bytes: undefined })
    const { body } = (await entries())[0]!
    expect(body).toMatchObject({ size: big.length, digest: '', chunkSize: CHUNK_BYTES })
    expect(body.checks).toHaveLength(8)
    const pieces: Buffer[] = []
    for await (const piece of readLarge(bodies, body)) pieces.push(piece)
    expect(Buffer.concat(pieces)).toEqual(big)
    expect(pending.bytes).toBe(0)
  })

  test.each([0, 1, 2, 3, 4, 5, 6, 7])(
    'what a handler writes from one microtask to the next is all there (%i microtasks apart)',
    async apart => {
      const { fill, bodies, entries } = await cache({ pendingBytes: 1 << 21 })
      const filling = fill()
      const numbered = Buffer.from(Array.from({ length: 4_000 }, (_, i) => i % 251))
      for (let at = 0; at < numbered.length; at += 10) {
        filling.write(numbered.subarray(at, at + 10))
        for (let i = 0; i < apart; i++) await undefined
      }
      expect(await filling.finish()).toMatchObject({ stored: true })
      const pieces: Buffer[] = []
      for await (const piece of readLarge(bodies, (await entries())[0]!.body)) pieces.push(piece)
      expect(Buffer.concat(pieces).equals(numbered)).toBe(true)
    },
  )

  test('a sink that cannot keep up holds back', async () => {
    let go = () => {}
    const { fill, woken } = await cache({
      bodies: {
        sink: () => ({
          write: () => new Promise<void>(resolve => (go = resolve)),
          finish: async () => {},
          abort: async () => {},
        }),
      },
    })
    const filling = fill()
    filling.write(Buffer.alloc(SMALL + 1))
    await new Promise(setImmediate)
    go()
    await new Promise(setImmediate)
    expect([filling.blocked, woken()]).toEqual([false, 1])
    filling.write(Buffer.alloc(5))
    expect(filling.blocked).toBe(true)
    go()
    await new Promise(setImmediate)
    expect([filling.blocked, woken()]).toEqual([false, 2])
    filling.abort()
  })
})

describe('a fill that comes to nothing leaves nothing', () => {
  const refused = async () => ({ ok: false, reason: 'fence' }) as const
  const lost = async () => ({ ok: false, reason: 'body' }) as const
  const sinkThat = (fails: 'write' | 'finish') => ({
    sink: () => ({
      write: fails === 'write' ? failing : () => undefined,
      finish: fails === 'finish' ? failing : async () => {},
      abort: async () => {},
    }),
  })
  const small = ['ab']
  const large = ['x'.repeat(SMALL), 'y'.repeat(SMALL), 'z']

  test.each<[string, Faults, Partial<FillPlan>, string[], string]>([
    ['too large at once', {}, { maxBodyBytes: 3 }, ['abcd'], 'too-large'],
    ['too large by and by', {}, { maxBodyBytes: 40 }, [...large, ...large], 'too-large'],
    ['no room among the pending', { pendingBytes: 1 }, {}, small, 'limits'],
    ['put fails', { bodies: { put: failing } }, {}, small, 'store-failed'],
    ['reservation of a small one fails', { metadata: { reserveBody: failing } }, {}, small, 'store-failed'],
    ['reservation of a large one fails', { metadata: { reserveBody: failing } }, {}, large, 'store-failed'],
    ['sink fails', { bodies: sinkThat('write') }, {}, large, 'store-failed'],
    ['sink fails to finish', { bodies: sinkThat('finish') }, {}, large, 'store-failed'],
    ['commit fails', { commit: failing }, {}, small, 'store-failed'],
    ['commit of a large one fails', { commit: failing }, {}, large, 'store-failed'],
    ['purged meanwhile', { commit: refused }, {}, small, 'fenced'],
    ['purged meanwhile, large', { commit: refused }, {}, large, 'fenced'],
    ['body gone meanwhile', { commit: lost }, {}, large, 'body-lost'],
    ['combining fails', {}, { combine: failing }, small, 'store-failed'],
  ])('%s', async (_name, faults, plan, texts, reason) => {
    const { fill, entries, pending } = await cache(faults)
    const filling = fill(plan)
    expect(await written(filling, ...texts)).toMatchObject({ stored: false, reason })
    expect(await entries()).toEqual([])
    expect(pending.bytes).toBe(0)
    expect(filling.blocked).toBe(false)
  })

  test.each([1, 2, 3])('aborted after %i writes', async count => {
    const { fill, entries, bodyIds, pending, metadata } = await cache()
    const filling = fill()
    for (const text of large.slice(0, count)) filling.write(Buffer.from(text))
    await new Promise(setImmediate)
    filling.abort()
    expect(await filling.finish()).toEqual({ stored: false, reason: 'aborted' })
    await new Promise(setImmediate)
    expect([await entries(), await bodyIds(), pending.bytes]).toEqual([[], [], 0])
    // A body that was begun is the sweep's at once, not only after its reservation has run out.
    expect(await metadata.orphans(T0 + 1, 10)).toHaveLength(count > 1 ? 1 : 0)
    filling.write(Buffer.from('more'))
    expect(pending.bytes).toBe(0)
  })

  test('aborted while it is being reserved', async () => {
    const { fill, metadata, bodyIds } = await cache()
    const filling = fill()
    for (const text of large) filling.write(Buffer.from(text))
    filling.abort('aborted')
    expect(await filling.finish()).toEqual({ stored: false, reason: 'aborted' })
    expect(await bodyIds()).toEqual([])
    expect(await metadata.orphans(T0 + 1, 10)).toHaveLength(1)
  })

  test('the first reason counts', async () => {
    const { fill } = await cache()
    const filling = fill({ maxBodyBytes: 1 })
    filling.write(Buffer.from('abc'))
    filling.abort('aborted')
    expect(await filling.finish()).toEqual({ stored: false, reason: 'too-large' })
  })
})

test('an entry never refers to a body that is not there whole: body first, metadata last', async () => {
  const order: string[] = []
  const { fill } = await cache({
    bodies: { put: async () => void order.push('body') },
    commit: async (_entry: Entry) => {
      order.push('entry')
      return { ok: true, seq: 0 }
    },
  })
  await written(fill(), 'ab')
  expect(order).toEqual(['body', 'entry'])
})

describe('a body that is kept with the metadata', () => {
  test('is committed in one step: nothing is reserved, nothing goes to the body store', async () => {
    const unwanted = async () => Promise.reject(new Error('asked for in vain'))
    const { fill, metadata, entries } = await cache({
      inlineBodyBytes: 4,
      metadata: { reserveBody: unwanted },
      bodies: { put: unwanted },
    })
    const result = await written(fill(), 'ab', 'cd')
    expect(result).toMatchObject({
      stored: true,
      entry: { body: { id: expect.stringMatching(/^i-/), size: 4 } },
    })
    const [entry] = await entries()
    expect(String(await metadata.inlineBody(entry!.body.id))).toBe('abcd')
  })

  test('one byte more, and it is the body store that has it', async () => {
    const { fill, entries, bodyIds } = await cache({ inlineBodyBytes: 3 })
    await written(fill(), 'ab', 'cd')
    expect(await bodyIds()).toEqual([(await entries())[0]!.body.id])
  })

  test('an empty one is nowhere', async () => {
    const { fill, metadata } = await cache({ inlineBodyBytes: 3 })
    expect(await written(fill())).toMatchObject({ stored: true, entry: { body: { id: '', size: 0 } } })
    expect(await metadata.usage()).toMatchObject({ entries: 1, bodies: 0 })
  })

  test('a part, too', async () => {
    const { fill, entries } = await cache({ inlineBodyBytes: 10 })
    const whole = Buffer.from('abcdef')
    const base = fill()
    await base.finish()
    const [{ body: _none, ...entry }] = (await entries()) as [Entry]
    await written(fill({ combine: async () => ({ entry, bytes: whole }) }), 'abc')
    expect((await entries())[0]!.body).toMatchObject({ size: 6, id: expect.stringMatching(/^i-/) })
  })
})

/**
 * Another process on the same embedded store: `embedded-worker.ts PATH STEP [ARG]`. Prints one line of JSON per result.
 */
import { readSync } from 'node:fs'
import { fsBodyStore } from '../../src/stores/embedded/bodies.js'
import { lmdbMetadataStore } from '../../src/stores/embedded/metadata.js'
import { OpenGate } from '../../src/stores/embedded/open-gate.js'
import { sampleKey, storeEntry, T0 } from './entries.js'

const [path, step, argument = ''] = process.argv.slice(2)
const say = (value: unknown) => void process.stdout.write(`${JSON.stringify(value)}\n`)
/** Holds the gate of a file until its standard input says something. */
const hold = {
  'hold-open': async () => {
    new OpenGate(path!).open(() => {
      say('in')
      readSync(0, Buffer.alloc(1))
    })
  },
  'hold-write': () =>
    new OpenGate(path!).write(async () => {
      say('in')
      readSync(0, Buffer.alloc(1))
    }),
  open: async () => new OpenGate(path!).open(() => say('in')),
}
if (step! in hold) {
  await hold[step as keyof typeof hold]()
  process.exit()
}
const store = lmdbMetadataStore({ path: path! })

const steps: { [name: string]: () => Promise<void> } = {
  fence: async () => say((await store.lookup('none')).fence),
  invalidate: async () => say(await store.invalidate([argument])),
  /** Commits `argument` entries, eight at once. */
  fill: async () => {
    const count = Number(argument)
    let refused = 0
    const lane = async (first: number) => {
      for (let i = first; i < count; i += 8) {
        const { result } = await storeEntry(store, { key: sampleKey(`${process.pid} ${i}`) })
        if (!result.ok) refused++
      }
    }
    await Promise.all(Array.from({ length: 8 }, (_, i) => lane(i)))
    say({ refused })
  },
  /** Invalidates until the disk refuses, and says what the store does from then on. */
  'until-refused': async () => {
    const long = 'm'.repeat(1_000)
    let acknowledged = 0
    const refusals: string[] = []
    const all = async (steps: readonly Promise<unknown>[]) => {
      for (const outcome of await Promise.allSettled(steps)) {
        if (outcome.status === 'fulfilled') acknowledged++
        else refusals.push(String(outcome.reason))
      }
    }
    while (refusals.length === 0) await all([store.invalidate([long]), store.invalidate([long])])
    const [before] = refusals.splice(0)
    await all([store.invalidate([long]), store.reserveBody('b', T0), store.ping()])
    const { seq } = (await store.lookup(sampleKey(1))).fence
    await store.close()
    say({ acknowledged, seq, before, after: refusals })
  },
  /** Commits and writes bodies until it is killed; says each number when it is acknowledged. */
  endless: async () => {
    const bodies = fsBodyStore({ path: `${path!}/bodies` })
    for (let i = 0; ; i++) {
      const id = `${process.pid}-${i}`
      const bytes = Buffer.alloc(100_000, i)
      const sink = bodies.sink(id)
      await sink.write(bytes)
      await store.reserveBody(id, Date.now() + 60_000)
      await sink.finish()
      const body = { id, size: bytes.length, digest: '', chunkSize: 0, checks: new Uint8Array(0) }
      await storeEntry(store, { key: sampleKey(`endless ${i}`), body })
      const { seq } = await store.invalidate([`mark ${i}`])
      say({ i, id, seq })
    }
  },
}
await steps[step!]!()
await store.close()

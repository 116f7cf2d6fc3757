import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { MetadataStore } from '../../src/engine/ports/index.js'
import { fsBodyStore } from '../../src/stores/embedded/bodies.js'
import { lmdbMetadataStore } from '../../src/stores/embedded/metadata.js'
import { sampleKey, storeEntry } from '../support/entries.js'

const support = (file: string) => fileURLToPath(new URL(`../support/${file}`, import.meta.url))
const worker = (path: string, ...args: string[]) => [
  '--import',
  support('typescript-loader.mjs'),
  support('embedded-worker.ts'),
  path,
  ...args,
]
const env = { ...process.env, NODE_OPTIONS: '' }
/** Runs a step in another process and blocks this one: no turn of the event loop passes here. */
const elsewhere = (path: string, ...args: string[]): unknown =>
  JSON.parse(execFileSync(process.execPath, worker(path, ...args), { env, encoding: 'utf8' }))
const spawnWorker = (path: string, ...args: string[]) =>
  spawn(process.execPath, worker(path, ...args), { env, stdio: ['ignore', 'pipe', 'inherit'] })

describe('the embedded store in several processes', () => {
  let path: string
  const opened: MetadataStore[] = []
  const open = () => {
    const store = lmdbMetadataStore({ path })
    opened.push(store)
    return store
  }
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'strata.processes-'))
  })
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close()
    await rm(path, { recursive: true })
  })

  test('an invalidation in another process is seen by the next lookup, even in the same turn of the event loop', () => {
    const store = open()
    const before = store.lookup(sampleKey(1)) as Awaited<ReturnType<MetadataStore['lookup']>>
    const acknowledged = elsewhere(path, 'invalidate', '{"all":true}')
    expect(acknowledged).toEqual({ epoch: before.fence.epoch, seq: before.fence.seq + 1 })
    expect(store.lookup(sampleKey(1))).toEqual({ entries: [], fence: acknowledged })
  })

  test('so does peekFence', () => {
    const store = open()
    const { seq } = store.peekFence!()
    const acknowledged = elsewhere(path, 'invalidate', '{"all":true}')
    expect(acknowledged).toMatchObject({ seq: seq + 1 })
    expect(store.peekFence!()).toEqual(acknowledged)
  })

  /** Resolves once the store answers from what it knows, for it is the only one. */
  const alone = async (store: MetadataStore) => {
    while (store.peekFence!() !== store.peekFence!()) await pause(10)
  }

  test('also when the store was alone until then, and relied on it', async () => {
    const store = open()
    for (let round = 0; round < 3; round++) {
      await alone(store)
      const { seq } = store.peekFence!()
      const acknowledged = elsewhere(path, 'invalidate', '{"all":true}')
      expect(acknowledged).toMatchObject({ seq: seq + 1 })
      expect(store.peekFence!()).toEqual(acknowledged)
    }
  })

  test('and by a store that is opened in the same process', async () => {
    const store = open()
    await alone(store)
    const other = open()
    expect(store.peekFence!()).not.toBe(store.peekFence!())
    const acknowledged = await other.invalidate(['m'])
    expect(store.peekFence!()).toEqual(acknowledged)
    await other.close()
    await alone(store)
    expect(store.peekFence!()).toEqual(acknowledged)
  })

  test('an invalidation of its own ends what a store that is alone knew', async () => {
    const store = open()
    await alone(store)
    const acknowledged = await store.invalidate(['m'])
    expect(store.peekFence!()).toEqual(acknowledged)
    expect(store.peekFence!()).toBe(store.peekFence!())
  })

  test('a commit that was checked before another process invalidated is refused', async () => {
    const store = open()
    const { fence: checked } = await store.lookup(sampleKey(1))
    const fence = elsewhere(path, 'invalidate', '{"all":true}')
    const { result } = await storeEntry(store, { key: sampleKey(1), stamp: checked }, { checked })
    expect(result).toEqual({ ok: false, reason: 'fence', fence })
  })

  test('two stores on one path in one process share everything at once', async () => {
    const [a, b] = [open(), open()]
    const { entry } = await storeEntry(a, { key: sampleKey(1) })
    expect((await b.lookup(sampleKey(1))).entries).toEqual([entry])
    const fence = await b.invalidate(['m'])
    expect((await a.lookup(sampleKey(1))).fence).toEqual(fence)
    expect((await a.marksAfter(0, 10)).marks).toEqual([{ seq: fence.seq, mark: 'm' }])
    await a.close()
    expect((await b.lookup(sampleKey(1))).entries).toEqual([entry])
  })

  test('processes that start together agree on the epoch', async () => {
    const epochs = await Promise.all(
      [1, 2, 3].map(async () => {
        const child = spawnWorker(path, 'fence')
        let out = ''
        child.stdout.on('data', chunk => (out += String(chunk)))
        await once(child, 'close')
        return (JSON.parse(out) as { epoch: string }).epoch
      }),
    )
    expect(new Set(epochs).size).toBe(1)
    expect((await open().lookup('none')).fence.epoch).toBe(epochs[0])
  })

  test('commits of three processes at once are all there and counted, and the database grows under its readers', async () => {
    const store = open()
    const children = [1, 2].map(() => spawnWorker(path, 'fill', '1500'))
    const closed = children.map(child => once(child, 'close'))
    const mine = []
    for (let i = 0; i < 200; i++) {
      mine.push((await storeEntry(store, { key: sampleKey(`mine ${i}`) })).result.ok)
      expect((await store.lookup(sampleKey(`mine ${i}`))).entries).toHaveLength(1)
    }
    for (const code of await Promise.all(closed)) expect(code[0]).toBe(0)
    expect(mine.every(Boolean)).toBe(true)
    const usage = await store.usage()
    expect(usage).toMatchObject({ entries: 3_200, bodies: 3_200 })
    let [listed, bytes] = [0, 0]
    let cursor: string | undefined
    do {
      const page = await store.list(500, cursor)
      listed += page.items.length
      bytes += page.items.reduce((sum, { entry }) => sum + entry.body.size, 0)
      cursor = page.cursor
    } while (cursor !== undefined)
    expect([listed, bytes]).toEqual([usage.entries, usage.entryBytes])
  })

  test('a disk that refuses a commit ends neither the process nor the reading, and no write waits for ever', () => {
    // A limit for the size of files, in blocks of 512 bytes; the signal that comes with it ends what does not ignore it.
    const script = `trap '' XFSZ; ulimit -f 1200; exec "$0" "$@"`
    const args = ['-c', script, process.execPath, ...worker(path, 'until-refused')]
    const said = execFileSync('sh', args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    const { acknowledged, seq, before, after } = JSON.parse(said)
    expect(before).toMatch(/the embedded database can't be written \(.+\): .* restart this process$/)
    expect(after).toEqual([before, before, before])
    expect(acknowledged).toBeGreaterThan(10)
    // Nothing that was acknowledged is gone; the last that was refused may be there.
    expect(seq).toBeGreaterThanOrEqual(acknowledged)
    // Opened anew, with the room there is without the limit, it goes on.
    const store = open()
    expect(store.peekFence!().seq).toBeGreaterThanOrEqual(acknowledged)
    return expect(store.invalidate(['m'])).resolves.toMatchObject({ epoch: store.peekFence!().epoch })
  })

  test('kill -9 amid writes: what was acknowledged is there, and nothing is torn', async () => {
    const child = spawnWorker(path, 'endless')
    const acknowledged: { i: number; id: string; seq: number }[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      if (acknowledged.push(JSON.parse(line)) === 25) child.kill('SIGKILL')
    }
    const store = open()
    const bodies = fsBodyStore({ path: join(path, 'bodies') })
    for (const { i, id, seq } of acknowledged) {
      const { entries, fence } = await store.lookup(sampleKey(`endless ${i}`))
      expect(entries.map(e => e.body.id)).toEqual([id])
      expect(fence.seq).toBeGreaterThanOrEqual(seq)
    }
    // Whatever entry there is, also one that was not acknowledged, has its whole body.
    const { items } = await store.list(1_000)
    expect(items.length).toBeGreaterThanOrEqual(25)
    for (const { entry } of items) expect(await bodies.get(entry.body.id)).toHaveLength(100_000)
    const usage = await store.usage()
    expect(usage).toMatchObject({
      entries: items.length,
      bodies: items.length,
      bodyBytes: items.length * 100_000,
    })
    expect((await readdir(join(path, 'bodies', 'tmp'))).length).toBeLessThanOrEqual(1)
    await bodies.close()
  })
})

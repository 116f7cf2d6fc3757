import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { open } from 'lmdb'
import { Packr } from 'msgpackr'
import { inlineName } from '../../src/engine/ports/index.js'
import { fsBodyStore } from '../../src/stores/embedded/bodies.js'
import { openDatabase } from '../../src/stores/embedded/database.js'
import { lmdbMetadataStore } from '../../src/stores/embedded/metadata.js'
import { eventually } from '../support/in-process-proxy.js'
import { failure } from '../support/failure.js'
import { sampleBody, sampleEntry, sampleKey, storeEntry } from '../support/entries.js'

describe('metadata in the embedded store under faults', () => {
  let path: string
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'strata.faults-'))
  })
  afterEach(() => rm(path, { recursive: true }))

  test('lookup answers at once, without a promise', async () => {
    const store = lmdbMetadataStore({ path })
    expect(store.lookup(sampleKey(1))).toMatchObject({ entries: [], fence: { seq: 0 } })
    await store.close()
  })

  test('what gives room back passes what takes it, however much of that waits', async () => {
    const store = lmdbMetadataStore({ path })
    const { entry } = await storeEntry(store, { key: sampleKey('first') })
    const checked = await store.peekFence!()
    const over: string[] = []
    const fills = Array.from({ length: 2000 }, (_, i) => {
      const body = { ...entry.body, id: '', size: 0, digest: '' }
      const fill = { ...entry, key: sampleKey(i), body }
      return store.commit(fill, { checked, maxVariants: 1 }).then(() => over.push('fill'))
    })
    const { key, variant, body } = entry
    const removal = store.remove([{ key, variant, bodyId: body.id }]).then(() => over.push('removal'))
    await Promise.all([...fills, removal])
    expect(over).toHaveLength(2001)
    expect(over.indexOf('removal')).toBeLessThan(1000)
    await store.close()
  })

  test('a folder with a dot, not there yet, is made', async () => {
    const store = lmdbMetadataStore({ path: join(path, 'a/strata.d') })
    expect((await storeEntry(store)).result.ok).toBe(true)
    await store.close()
    expect(await readdir(join(path, 'a/strata.d'))).toContain('metadata.mdb')
  })

  test('data of another format is refused with what to do, and is left as it is', async () => {
    await lmdbMetadataStore({ path }).close()
    const raw = () =>
      open<Buffer, string>({
        path: join(path, 'metadata.mdb'),
        noSubdir: true,
        encoding: 'binary',
        maxDbs: 16,
      })
    const writer = raw()
    await writer.put('format', Buffer.from('3'))
    await writer.close()
    const error = await failure(() => lmdbMetadataStore({ path }))
    expect(error.code).toBe('STRATA_CONFIG')
    expect(error.message).toContain(path)
    expect(error.message).toMatch(/format 3.*reads 2.*delete the folder/)
    const reader = raw()
    expect(reader.getBinary('format')?.toString()).toBe('3')
    await reader.close()
  })

  test('what has gone leaves room inside of the file, which does not get smaller', async () => {
    const store = lmdbMetadataStore({ path })
    const checked = await store.peekFence!()
    const entries = Array.from({ length: 200 }, (_, i) => {
      const bytes = Buffer.alloc(10_000, `body ${i}`)
      const body = { ...sampleBody(bytes), id: inlineName(sampleBody(bytes).digest) }
      return { bytes, entry: sampleEntry({ key: sampleKey(i), body, stamp: checked }) }
    })
    await Promise.all(
      entries.map(({ bytes, entry }) => store.commit(entry, { checked, maxVariants: 1, inline: bytes })),
    )
    const { root, unusedBytes } = openDatabase(path)
    const before = unusedBytes()
    expect(before).toBeGreaterThanOrEqual(0)
    await store.remove(
      entries.map(({ entry: { key, variant, body } }) => ({ key, variant, bodyId: body.id })),
    )
    await eventually(async () => unusedBytes() - before > 200 * 10_000)
    await root.close()
    await store.close()
  })

  test('data of the format before is taken over', async () => {
    const before = lmdbMetadataStore({ path })
    const bytes = Buffer.from('inline')
    const body = { ...sampleBody(bytes), id: inlineName(sampleBody(bytes).digest) }
    const checked = await before.peekFence!()
    const entry = sampleEntry({ body, stamp: checked })
    await before.commit(entry, { checked, maxVariants: 1, inline: bytes })
    await before.close()
    // There, each entry had a row for its use, and each body one in the ledger.
    const { root } = openDatabase(path)
    const put = (name: string, key: string, array: readonly number[]) =>
      root.openDB<Buffer, string>({ name, encoding: 'binary' }).put(key, new Packr().pack(array))
    await put('uses', `${entry.key} `, [0, entry.responseTime])
    await put('bodies', entry.body.id, [1, bytes.length, 0, 0, -1])
    await root.put('format', Buffer.from('1'))
    await root.close()

    const store = lmdbMetadataStore({ path })
    await store.touch([{ key: entry.key, variant: '', hits: 2, at: entry.responseTime }])
    expect(await store.use(entry.key, '')).toEqual({ hits: 2, lastAccess: entry.responseTime })
    expect(await store.usage()).toMatchObject({ entries: 1, bodies: 1, bodyBytes: bytes.length })
    expect(await store.remove([{ key: entry.key, variant: '', bodyId: entry.body.id }])).toBe(1)
    expect(await store.usage()).toEqual({ entries: 0, bodies: 0, bodyBytes: 0, entryBytes: 0 })
    expect((await failure(() => store.inlineBody(entry.body.id))).code).toBe('STRATA_BODY_MISSING')
    await store.close()
    const raw = openDatabase(path).root
    expect(raw.getBinary('format')?.toString()).toBe('2')
    await raw.close()
  })

  test('a path that is a file is a store that is not available', async () => {
    await writeFile(join(path, 'file'), 'x')
    expect((await failure(() => lmdbMetadataStore({ path: join(path, 'file') }))).code).toBe(
      'STRATA_STORE_UNAVAILABLE',
    )
    expect((await failure(() => fsBodyStore({ path: join(path, 'file') }))).code).toBe(
      'STRATA_STORE_UNAVAILABLE',
    )
  })

  test('a step that fails amid its writes leaves none of them', async () => {
    const store = lmdbMetadataStore({ path })
    const { entry } = await storeEntry(store)
    const before = await store.use(entry.key, '')
    const good = { key: entry.key, variant: '', hits: 5, at: entry.responseTime + 5 }
    expect((await failure(() => store.touch([good, null as never]))).code).toBe('STRATA_STORE_UNAVAILABLE')
    expect(await store.use(entry.key, '')).toEqual(before)
    await store.touch([good])
    expect(await store.use(entry.key, '')).toEqual({ hits: 5, lastAccess: good.at })
    expect((await store.leastRecent(10)).length).toBe(1)
    await store.close()
  })

  test('of steps that share a transaction one fails for itself alone', async () => {
    const store = lmdbMetadataStore({ path })
    const { entry } = await storeEntry(store)
    const use = (hits: number) => ({ key: entry.key, variant: '', hits, at: entry.responseTime + hits })
    const outcomes = await Promise.allSettled([
      store.touch([use(1)]),
      store.touch([use(10), null as never]),
      store.touch([use(100)]),
      store.invalidate(['mark']),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
    expect(await store.use(entry.key, '')).toEqual({ hits: 101, lastAccess: entry.responseTime + 100 })
    expect(await store.marksAfter(0, 10)).toMatchObject({ fence: { seq: 1 }, marks: [{ mark: 'mark' }] })
    await store.close()
  })

  test('what has come before it is closed is written', async () => {
    const store = lmdbMetadataStore({ path })
    const { entry } = await storeEntry(store)
    const written = Array.from({ length: 20 }, () =>
      store.touch([{ key: entry.key, variant: '', hits: 1, at: entry.responseTime }]),
    )
    await store.close()
    await Promise.all(written)
    const again = lmdbMetadataStore({ path })
    expect((await again.use(entry.key, ''))?.hits).toBe(20)
    await again.close()
  })

  test('damaged rows of the ledger hold nothing up', async () => {
    const store = lmdbMetadataStore({ path })
    await store.reserveBody('damaged', 1)
    await store.reserveBody('sound', 2)
    const { root } = openDatabase(path)
    await root.openDB<Buffer, string>({ name: 'bodies', encoding: 'binary' }).put('damaged', Buffer.from('x'))
    await root.close()
    expect(await store.orphans(10, 10)).toEqual(['sound'])
    expect(await store.unknownBodies(['damaged', 'sound'])).toEqual(['damaged'])
    expect(await store.reserveBody('damaged', 5)).toBe('reserved')
    await store.close()
  })

  test('damaged rows of entries are as absent, and can be written anew', async () => {
    const store = lmdbMetadataStore({ path })
    const { entry } = await storeEntry(store)
    const { root } = openDatabase(path)
    const rows = root.openDB<Buffer, string>({ name: 'rows', encoding: 'binary' })
    for (const bytes of [Buffer.from('x'), Buffer.from([0x91, 1]), Buffer.from([0xff]), Buffer.alloc(0)]) {
      await rows.put(entry.key, bytes)
      expect((await store.lookup(entry.key)).entries).toEqual([])
      expect(await store.list(10)).toEqual({ items: [] })
      expect(await store.leastRecent(10)).toEqual([])
    }
    expect((await storeEntry(store)).result.ok).toBe(true)
    expect((await store.lookup(entry.key)).entries).toHaveLength(1)
    await root.close()
    await store.close()
  })

  test('a database without its state says what to do', async () => {
    const store = lmdbMetadataStore({ path })
    const { root } = openDatabase(path)
    await root.openDB<Buffer, string>({ name: 'state', encoding: 'binary' }).remove('log')
    await root.close()
    const error = await failure(() => store.lookup('k'))
    expect(error.code).toBe('STRATA_STORE_UNAVAILABLE')
    expect(error.message).toContain('delete its folder')
    expect((await failure(() => store.invalidate(['m']))).code).toBe('STRATA_STORE_UNAVAILABLE')
    await store.close()
  })

  test('a closed store says that it is not available; closing twice is no error', async () => {
    const store = lmdbMetadataStore({ path })
    const { entry } = await storeEntry(store)
    await store.close()
    await store.close()
    const calls = [
      () => store.lookup('k'),
      () => store.ping(),
      () => store.usage(),
      () => store.invalidate(['m']),
      () => store.commit(entry, { checked: entry.stamp, maxVariants: 1 }),
    ]
    for (const call of calls) expect((await failure(call)).code).toBe('STRATA_STORE_UNAVAILABLE')
  })
})

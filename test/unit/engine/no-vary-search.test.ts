import { beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { loadConfig, toEngineSettings } from '../../../src/config/index.js'
import { newMark, type Criteria } from '../../../src/engine/fence/mark.js'
import { primaryKey } from '../../../src/http/key.js'
import type { OriginRequest, OriginSink } from '../../../src/engine/origin.js'
import { parseNoVarySearch } from '../../../src/http/no-vary-search.js'
import { simplifiedUrl } from '../../../src/http/simplified-url.js'
import { memoryBodyStore, memoryMetadataStore } from '../../../src/stores/memory/index.js'
import { engineNode, promptOrigin } from '../../support/engine-nodes.js'
import { clientGet } from '../../support/requests.js'

const H = 'http://h'
/** Small ones: a cache of full size takes longer to make than to ask. */
const settings = (noVarySearch = true) =>
  toEngineSettings(
    loadConfig({
      options: {
        defaults: { noVarySearch },
        memory: { maxEntries: 100, maxBytes: 1e6 },
        limits: { hitForMissEntries: 100 },
      },
    }),
  )
const ON = settings()
const stores = () => ({ metadata: memoryMetadataStore(), bodies: memoryBodyStore({ maxBytes: 1e9 }) })
const fresh = (variance?: string, ...more: string[]) => [
  'Cache-Control',
  'max-age=600',
  ...(variance === undefined ? [] : ['No-Vary-Search', variance]),
  ...more,
]

describe('one node', () => {
  let node: Awaited<ReturnType<typeof engineNode>>
  let variance: (target: string) => string | undefined
  let origin: ReturnType<typeof promptOrigin>
  beforeEach(async () => {
    node = await engineNode(stores(), ON)
    variance = () => 'params=("utm")'
    origin = promptOrigin(({ target }) => ({ fields: fresh(variance(target)), body: `for ${target}` }))
  })
  const get = async (path: string, from = origin) => {
    const { outcome, body } = await node.get(clientGet(H + path), from)
    await node.journey.settled()
    return `${outcome.result} ${body}`
  }

  test('URLs that are the same share an entry, and what it ignores is forwarded no more (P4)', async () => {
    expect(await get('/a?id=1&utm=x')).toBe('MISS for /a?id=1&utm=x')
    expect(await get('/a?id=1&utm=y')).toBe('HIT for /a?id=1&utm=x')
    expect(await get('/a?id=1')).toBe('HIT for /a?id=1&utm=x')
    expect(await get('/a?id=2&utm=y')).toBe('MISS for /a?id=2')
    expect(await get('/a?utm=z&id=2')).toBe('HIT for /a?id=2')
    expect(await get('/b?id=2&utm=y')).toBe('MISS for /b?id=2&utm=y')
  })

  test('what is fetched by the simplified URL and does not answer for the one that was asked is fetched again', async () => {
    variance = target => (target.includes('id=1') ? 'params=("utm")' : undefined)
    await get('/a?id=1&utm=x')
    expect(await get('/a?id=2&utm=y')).toBe('MISS for /a?id=2&utm=y')
    expect(origin.targets).toEqual(['/a?id=1&utm=x', '/a?id=2', '/a?id=2&utm=y'])
    // Both are stored, each for itself.
    expect(await get('/a?id=2&utm=y')).toBe('HIT for /a?id=2&utm=y')
    expect(await get('/a?id=2')).toBe('HIT for /a?id=2')
    expect(await get('/a?id=1&utm=z')).toBe('HIT for /a?id=1&utm=x')
    expect(await get('/a?id=2&utm=z')).toBe('MISS for /a?id=2&utm=z')
    // Found from memory emptied, too.
    node.parts.memory.clear()
    origin.targets.length = 0
    expect(await get('/a?id=2&utm=y')).toBe('HIT for /a?id=2&utm=y')
    expect(origin.targets).toEqual([])
  })

  test('an origin that says it no more is believed after three answers', async () => {
    await get('/a?id=1&utm=x')
    variance = () => undefined
    for (const id of [2, 3, 4]) await get(`/a?id=${id}&utm=x`)
    origin.targets.length = 0
    expect(await get('/a?id=5&utm=x')).toBe('MISS for /a?id=5&utm=x')
    expect(origin.targets).toEqual(['/a?id=5&utm=x'])
    expect(await get('/a?id=1&utm=x')).toBe('MISS for /a?id=1&utm=x')
  })

  test('the newest of a path counts', async () => {
    await get('/a?id=1&utm=x')
    variance = () => 'params=("ref")'
    expect(await get('/a?id=2&ref=x&utm=y')).toBe('MISS for /a?id=2&ref=x&utm=y')
    expect(await get('/a?id=2&ref=z&utm=y')).toBe('HIT for /a?id=2&ref=x&utm=y')
    expect(await get('/a?id=2&ref=z&utm=z')).toBe('MISS for /a?id=2&utm=z')
  })

  test('handlers, which can be asked once, get the request as it came', async () => {
    const handlers = { ...origin, once: true }
    await get('/a?id=1&utm=x', handlers)
    expect(await get('/a?id=2&utm=y', handlers)).toBe('MISS for /a?id=2&utm=y')
    expect(await get('/a?id=2&utm=z', handlers)).toBe('HIT for /a?id=2&utm=y')
    variance = () => undefined
    expect(await get('/a?id=3&utm=y', handlers)).toBe('MISS for /a?id=3&utm=y')
    expect(await get('/a?id=3&utm=z', handlers)).toBe('MISS for /a?id=3&utm=z')
    expect(await get('/a?id=3', handlers)).toBe('MISS for /a?id=3')
  })

  test('a restart costs one miss for a path, and what is found in the store teaches too', async () => {
    const shared = stores()
    node = await engineNode(shared, ON)
    await get('/a?id=1&utm=x')
    node = await engineNode(shared, ON)
    expect(await get('/a?id=1')).toBe('HIT for /a?id=1&utm=x')
    expect(await get('/a?id=1&utm=y')).toBe('HIT for /a?id=1&utm=x')
    node = await engineNode(shared, ON)
    expect(await get('/a?id=1&utm=y')).toBe('MISS for /a?id=1&utm=y')
    expect(await get('/a?id=1&utm=z')).toBe('HIT for /a?id=1&utm=y')
  })

  test('off, it is a field like any other', async () => {
    node = await engineNode(stores(), settings(false))
    await get('/a?id=1&utm=x')
    expect(await get('/a?id=1&utm=y')).toBe('MISS for /a?id=1&utm=y')
  })

  test('what is asked for while it is on its way is shared by those that it answers for alone', async () => {
    await get('/a?id=1&utm=x')
    let open = () => {}
    const until = new Promise<void>(resolve => (open = resolve))
    let asked = 0
    const slow = promptOrigin(({ target }) => ({
      fields: fresh(asked++ === 0 ? 'params=("utm"), key-order=?0' : undefined),
      body: `for ${target}`,
      until,
    }))
    const all = ['y', 'z', 'y'].map(utm => node.get(clientGet(`${H}/a?id=2&utm=${utm}`), slow))
    await new Promise(resolve => setImmediate(resolve))
    open()
    expect((await Promise.all(all)).map(({ body }) => body)).toEqual(Array(3).fill('for /a?id=2'))
    expect(slow.targets).toEqual(['/a?id=2'])
  })

  test('who comes while it is being stored shares it, though it was asked for by another URL', async () => {
    let committed = () => {}
    const commit = new Promise<void>(resolve => (committed = resolve))
    const slow = stores()
    const commitNow = slow.metadata.commit.bind(slow.metadata)
    slow.metadata.commit = (...args) => commit.then(() => commitNow(...args))
    node = await engineNode(slow, ON)
    await node.get(clientGet(`${H}/a?id=1&utm=x`), origin)
    const { body, outcome } = await node.get(clientGet(`${H}/a?id=1&utm=y`), origin)
    expect([outcome.result, outcome.detail, body]).toEqual(['HIT', 'being-stored', 'for /a?id=1&utm=x'])
    committed()
    expect(await get('/a?id=1&utm=z')).toBe('HIT for /a?id=1&utm=x')
    expect(origin.targets).toHaveLength(1)
  })

  test('followers whose URL the answer is not for go on by themselves', async () => {
    await get('/a?id=1&utm=x')
    let open = () => {}
    const until = new Promise<void>(resolve => (open = resolve))
    const slow = promptOrigin(({ target }) => ({ fields: fresh(), body: `for ${target}`, until }))
    const all = ['y', 'z', 'y'].map(utm => node.get(clientGet(`${H}/a?id=2&utm=${utm}`), slow))
    await new Promise(resolve => setImmediate(resolve))
    open()
    const bodies = (await Promise.all(all)).map(({ body }) => body)
    expect(bodies).toEqual(['y', 'z', 'y'].map(utm => `for /a?id=2&utm=${utm}`))
    expect([...slow.targets].sort()).toEqual(['/a?id=2', '/a?id=2&utm=y', '/a?id=2&utm=z'])
  })

  test('who comes when the head is known already shares only what answers for his URL', async () => {
    await get('/a?id=1&utm=x')
    let send = () => {}
    const slow = promptOrigin(({ target }) => ({ fields: fresh(), body: `for ${target}` }))
    const first = {
      ...slow,
      fetch: (request: OriginRequest, sink: OriginSink) => {
        slow.targets.push(request.target)
        sink.onHead(
          { status: 200, reason: 'OK', fields: fresh(), delimited: true },
          { pause() {}, resume() {} },
        )
        send = () => (sink.onData(Buffer.from(`for ${request.target}`)), sink.onEnd())
        return { abort() {} }
      },
    }
    const simple = node.get(clientGet(`${H}/a?id=2`), first)
    await new Promise(resolve => setImmediate(resolve))
    const other = node.get(clientGet(`${H}/a?id=2&utm=y`), slow)
    await new Promise(resolve => setImmediate(resolve))
    send()
    expect((await simple).body).toBe('for /a?id=2')
    expect((await other).body).toBe('for /a?id=2&utm=y')
    expect(slow.targets).toEqual(['/a?id=2', '/a?id=2&utm=y'])
  })

  test('a handler that confirms what is stored, and says another thing of its URLs, has answered its own request', async () => {
    const says = (value: string, status = 200) => ({
      ...promptOrigin(() => ({
        status,
        fields: fresh(value, 'ETag', '"1"', 'Cache-Control', 'no-cache'),
        body: 'text',
      })),
      once: true,
    })
    await get('/a?id=1&utm=x', says('params=("utm")'))
    expect(await get('/a?id=1&utm=y', says('params=("ref")', 304))).toBe('REVALIDATED text')
  })

  test.each<[string, Criteria]>([
    ['another URL that is the same', { url: '/a?id=1&utm=y' }],
    ['the key that it was asked for by', { key: primaryKey([`${H}/a?id=1&utm=x`]) }],
    ['the key that it goes to', { key: primaryKey([`${H}/a?id=1`]) }],
    ['a prefix', { prefix: `${H}/a?id=1&utm=q` }],
    ['a pattern', { pattern: '/a\\?*utm=q*' }],
  ])('a purge of %s, while it is on its way: nobody later gets it, or finds it', async (_, criteria) => {
    let open = () => {}
    const until = new Promise<void>(resolve => (open = resolve))
    const slow = promptOrigin(() => ({ fields: fresh('params=("utm")'), body: 'old', until }))
    const before = node.get(clientGet(`${H}/a?id=1&utm=x`), slow)
    await new Promise(resolve => setImmediate(resolve))
    await node.parts.fence.invalidate([newMark(criteria, { at: 0 })])
    const after = node.get(
      clientGet(`${H}/a?id=1&utm=x`),
      promptOrigin(() => ({ fields: fresh(), body: 'new' })),
    )
    await new Promise(resolve => setImmediate(resolve))
    open()
    expect((await before).body).toBe('old')
    expect((await after).body).toBe('new')
    await node.journey.settled()
    expect(await get('/a?id=1&utm=z')).not.toContain('old')
    expect(await get('/a?id=1')).not.toContain('old')
  })

  test('a 304 that says another thing of its URLs does not save what a purge of one of them has killed', async () => {
    const validated = (text: string, ...more: string[]) =>
      promptOrigin(() => ({ fields: fresh('params=("utm")', 'ETag', '"1"', ...more), body: text }))
    await get('/a?id=1&utm=x', validated('old', 'Cache-Control', 'no-cache'))
    let open = () => {}
    const until = new Promise<void>(resolve => (open = resolve))
    const confirms = promptOrigin(() => ({
      status: 304,
      fields: fresh('params=("ref")', 'ETag', '"1"'),
      body: '',
      until,
    }))
    const before = node.get(clientGet(`${H}/a?id=1`), confirms)
    await new Promise(resolve => setImmediate(resolve))
    await node.parts.fence.invalidate([newMark({ url: '/a?id=1&utm=q' }, { at: 0 })])
    open()
    expect((await before).body).toBe('old')
    await node.journey.settled()
    expect(await get('/a?id=1')).toBe('MISS for /a?id=1')
  })
})

describe('several nodes on one store', () => {
  /** What the origin says of the URLs with this id, as if it had always said so. */
  const SAYS: Readonly<Record<string, string | undefined>> = {
    1: 'params=("utm")',
    2: 'params, except=("id")',
    3: 'key-order, params=("utm" "ref")',
    4: undefined,
  }
  const idOf = (url: string) => new URLSearchParams(url.slice(url.indexOf('?') + 1)).get('id') ?? '4'
  /** What the answer for a URL depends on, to the letter. */
  const contentOf = (url: string) => {
    const says = SAYS[idOf(url)]
    return says === undefined ? url : simplifiedUrl(url, parseNoVarySearch(['No-Vary-Search', says])!)
  }
  const url = fc
    .tuple(
      fc.constantFrom('1', '1', '2', '3', '4'),
      fc.shuffledSubarray(['utm=1', 'utm=2', 'ref=1'], { maxLength: 2 }),
      fc.nat(2),
      fc.constantFrom('/a', '/a', '/a', '/b'),
    )
    .map(
      ([id, others, at, path]) =>
        `${H}${path}?${[...others.slice(0, at), `id=${id}`, ...others.slice(at)].join('&')}`,
    )
  const criteria: fc.Arbitrary<[Criteria, (url: string) => boolean]> = fc.oneof(
    url.map((purged): [Criteria, (u: string) => boolean] => [{ url: purged }, u => u === purged]),
    url.map((purged): [Criteria, (u: string) => boolean] => [
      { url: purged.slice(H.length) },
      u => u === purged,
    ]),
    url.map((purged): [Criteria, (u: string) => boolean] => [{ prefix: purged }, u => u.startsWith(purged)]),
    url.map((purged): [Criteria, (u: string) => boolean] => {
      const query = purged.slice(purged.indexOf('?') + 1)
      return [{ pattern: `/a\\?*${query}*` }, u => u.startsWith(`${H}/a?`) && u.includes(query)]
    }),
    fc
      .constantFrom('utm=1', 'ref=1')
      .map((text): [Criteria, (u: string) => boolean] => [
        { pattern: `!**${text}**` },
        u => !u.includes(text),
      ]),
  )
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(fc.constant('get' as const), fc.nat(2), url) },
    { weight: 3, arbitrary: fc.tuple(fc.constant('purge' as const), fc.nat(2), criteria) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('restart' as const), fc.nat(2), fc.constant(undefined)) },
  )

  test('nobody gets what is not for him, nor what was fetched before a purge of his URL, whatever the nodes have learnt', async () => {
    const counts = { hits: 0, shared: 0, purged: 0 }
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async steps => {
        const shared = stores()
        const nodes = await Promise.all([0, 1, 2].map(() => engineNode(shared, ON)))
        let version = 0
        const purges: { matches: (url: string) => boolean; version: number }[] = []
        const origin = promptOrigin(({ target }) => ({
          fields: fresh(SAYS[idOf(target)]),
          body: JSON.stringify([contentOf(H + target), version, target]),
        }))
        for (const [what, at, about] of steps) {
          if (what === 'restart') nodes[at] = await engineNode(shared, ON)
          else if (what === 'purge') {
            const [given, matches] = about
            version++
            await nodes[at]!.parts.fence.invalidate([newMark(given, { at: 0 })])
            purges.push({ matches, version })
          } else {
            const { body, outcome } = await nodes[at]!.get(clientGet(about), origin)
            await nodes[at]!.journey.settled()
            const [content, fetched, target] = JSON.parse(body) as [string, number, string]
            const atLeast = Math.max(0, ...purges.filter(({ matches }) => matches(about)).map(p => p.version))
            expect({ about, content, isNew: fetched >= atLeast }).toEqual({
              about,
              content: contentOf(about),
              isNew: true,
            })
            if (outcome.result === 'HIT') counts.hits++
            if (outcome.result === 'HIT' && H + target !== about) counts.shared++
            if (atLeast > 0) counts.purged++
          }
        }
      }),
      { numRuns: 100 },
    )
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(30)
  })
})

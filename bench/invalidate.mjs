import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort, startProgram } from './harness/processes.mjs'
import { median, percentile } from './report/stats.mjs'
import { commit, COUNTRY, entryOf, fill } from './studies/entries.mjs'
import { built, publish, studyOptions, tell } from './studies/study.mjs'

/**
 * Invalidation in Redis: how long until it holds, with few entries and with many; how fast the sweep is; what an entry costs.
 * `npm run bench:invalidate -- [--entries 1000000] [--few 10000] [--repeat 20]`
 *
 * *Holds*: from the call until the node's own lookup of a concerned entry has found it dead. *Answered*: until the operator's
 * answer is there: it counts what went, and waits until the leases of other nodes have run out.
 */

/** ms between looks at the event loop; the histogram holds the time from one to the next. */
const LOOK = 5
const options = studyOptions({ entries: 1_000_000, few: 10_000, repeat: 20 })
const { connectRedis, disconnectRedis } = await built('stores/redis/client.js')
const { redisMetadataStore } = await built('stores/redis/metadata.js')
const { Fence } = await built('engine/fence/fence.js')
const { newMark } = await built('engine/fence/mark.js')
const { loadConfig } = await built('config/index.js')
const { openEngine } = await built('compose/engine.js')
const { Layers } = await built('tiles/layer/layers.js')
const { tileBook } = await built('tiles/tile-book.js')
const { planTiles } = await built('tiles/purge/request.js')

const layers = new Layers([{ match: '/**', layer: { name: 'roads', template: '/{z}/{x}/{y}' } }], {
  matrixSets: [],
})

const KINDS = {
  key: entry => ({ key: entry.key }),
  tag: () => ({ tag: 'layer:roads' }),
  pattern: () => ({ pattern: 'http://tiles.example/maps/**' }),
  prefix: () => ({ prefix: 'http://tiles.example/maps/' }),
  area: () => ({ tiles: planTiles({ geometry: COUNTRY, zoom: [0, 22] }, layers.find('roads')).criteria[0] }),
  all: () => ({ all: true }),
}

const [few, many] = [await study(options.few), await study(options.entries)]
publish(
  {
    study: 'invalidate',
    title: 'Invalidation in Redis',
    about: `Milliseconds until an invalidation that concerns every entry (\`key\`: one) holds on this node: median and p99 of ${options.repeat}. Memory: of Redis, for an entry with a 100-character URL, two tags, its tile and a body of its own. Area: a polygon of 1,000 corners, zooms 0 to 22; reading and checking it is part of the time. The sweep runs at its default pace.`,
    columns: ['', ...[few, many].map(({ entries }) => `${entries.toLocaleString('en')} entries`)],
    rows: [
      ...Object.keys(KINDS).map(kind => [
        `purge by ${kind} holds`,
        ...[few, many].map(({ holds }) => times(holds[kind])),
      ]),
      ['purge of all, answered', ...[few, many].map(({ answered }) => `${answered.toFixed(0)} ms`)],
      ['sweep', ...[few, many].map(({ sweptPerSecond }) => `${Math.round(sweptPerSecond)} entries/s`)],
      [
        'event-loop delay p99 during the sweep',
        ...[few, many].map(({ loopDelay }) => `${loopDelay.toFixed(1)} ms`),
      ],
      [
        'memory of Redis',
        ...[few, many].map(({ bytesPerEntry }) => `${Math.round(bytesPerEntry)} bytes/entry`),
      ],
    ],
    figures: { few, many },
  },
  options,
)

/** @param {number} entries */
async function study(entries) {
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const server = await startProgram('redis-server', args, { place: 'others', port })
  const redis = await connectRedis({ url: `redis://127.0.0.1:${port}` })
  const namespace = 'bench'
  try {
    const store = redisMetadataStore({ redis, namespace })
    const fence = new Fence(store, {
      maxMarks: 1024,
      onReset: () => undefined,
      onMarks: () => undefined,
      tiles: tileBook(layers),
    })
    await fence.load()
    const before = await usedMemory(redis)
    const started = performance.now()
    await fill(store, 0, entries)
    tell(`${entries} entries stored in ${((performance.now() - started) / 1000).toFixed(0)} s`)
    const bytesPerEntry = ((await usedMemory(redis)) - before) / entries
    const holds = {}
    let next = entries
    for (const kind of Object.keys(KINDS)) {
      const took = []
      for (let i = 0; i < options.repeat; i++) took.push(await holdsAfter(store, fence, kind, next++))
      holds[kind] = { median: median(took), p99: percentile(took, 99) }
    }
    return { entries, bytesPerEntry, holds, ...(await sweep(port, namespace)) }
  } finally {
    disconnectRedis(redis)
    await server.stop()
  }
}

/** Milliseconds from the call until this node finds an entry dead that was live just before. */
async function holdsAfter(store, fence, kind, i) {
  const entry = entryOf(i, fence.state(), Date.now())
  await commit(store, entry, fence.state())
  if ((await verdictOf(fence, entry.key)) !== 'live')
    throw new Error('the entry was not live before the purge')
  const started = performance.now()
  await fence.invalidate([newMark(KINDS[kind](entry), { at: Date.now() })])
  const verdict = await verdictOf(fence, entry.key)
  const took = performance.now() - started
  if (verdict !== 'dead') throw new Error(`a purge by ${kind} does not hold`)
  return took
}

async function verdictOf(fence, key) {
  const { entries } = await fence.lookup(key)
  return entries.length === 0 ? 'dead' : fence.verdict(entries[0])
}

/** The engine as `strata serve` opens it, on what is left: everything is dead by now. */
async function sweep(port, namespace) {
  const config = loadConfig({
    env: {},
    options: {
      backend: 'redis',
      redis: { url: `redis://127.0.0.1:${port}` },
      namespace,
      sweep: { intervalMs: 0 },
      origin: 'http://127.0.0.1:9',
    },
  })
  const log = { warn: (details, what) => tell(`${what} ${JSON.stringify(details)}`) }
  const engine = await openEngine(config, log, false)
  const loop = monitorEventLoopDelay({ resolution: LOOK })
  try {
    const { entries: before } = await engine.operator.status()
    if (!(before > 0)) throw new Error('there is nothing to sweep')
    loop.enable()
    const started = performance.now()
    const answer = engine.operator.invalidate({ all: true }).then(({ seq }) => {
      if (!(seq > 0)) throw new Error('the purge has no place in the log')
      return performance.now() - started
    })
    // The purge itself sets the sweep going.
    let status = await engine.operator.status()
    while (status.entries !== 0) {
      if (status.sweep?.state === 'failed') throw new Error(`the sweep failed: ${status.sweep.error}`)
      await delay(50)
      status = await engine.operator.status()
    }
    const seconds = (performance.now() - started) / 1000
    loop.disable()
    return {
      answered: await answer,
      sweptPerSecond: before / seconds,
      loopDelay: Math.max(0, loop.percentile(99) / 1e6 - LOOK),
    }
  } finally {
    await engine.close()
  }
}

async function usedMemory(redis) {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))[1])
}

function times({ median: middle, p99 }) {
  return `${middle.toFixed(2)} ms (p99 ${p99.toFixed(2)})`
}

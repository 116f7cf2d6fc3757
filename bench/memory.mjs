import { readFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Context } from './harness/context.mjs'
import { generate, generatorOf } from './harness/load.mjs'
import { fill } from './studies/entries.mjs'
import { built, publish, studyOptions, tell } from './studies/study.mjs'

/**
 * What memory and the event loop are put through: bytes of heap that an entry of the memory tier costs beyond its body; resident
 * memory over many unique URLs; event-loop delay under load and during a sweep.
 * `npm run bench:memory -- [--entries 20000] [--requests 1000000] [--sweep 1000000] [--seconds 10] [--tier-mib 256]
 * [--store-entries 100000]`; 0 leaves a part out. The acceptance of the issue is `--requests 10000000`.
 */

const options = studyOptions({
  entries: 20_000,
  requests: 1_000_000,
  sweep: 1_000_000,
  seconds: 10,
  'tier-mib': 256,
  'store-entries': 100_000,
})
const MIB = 1024 ** 2
const BODY = 10_240
/** Requests before the first look: what comes with them comes once. */
const WARM = 2000
const generator = generatorOf(undefined)

const rows = []
const figures = {}
if (options.entries > 0) {
  const { stored, answered } = (figures.heap = await heapPerEntry())
  row('heap of an entry of the memory tier beyond its body', `${stored} bytes`, '1200 bytes')
  row('the same when it has answered a hit', `${answered} bytes`)
}
if (options.seconds > 0) {
  for (const [place, where] of /** @type {const} */ ([
    ['all', ''],
    ['server', ', all its threads on one core'],
  ])) {
    const { hits, misses } = (figures[`${place}UnderLoad`] = await delayUnderLoad(place))
    row(`event-loop delay p99, hits${where}`, `${hits.p99.toFixed(1)} ms`, '20 ms')
    row(`event-loop delay p99, misses${where}`, `${misses.p99.toFixed(1)} ms`, '20 ms')
  }
}
if (options.requests > 0) {
  const { full, half, end, highest } = (figures.resident = await residentMemory())
  row('resident memory when the memory tier is full', `${mib(full.rss)} MiB (${full.done} requests)`)
  row('resident memory, half way', `${mib(half)} MiB`)
  row('resident memory, at the end', `${mib(end)} MiB`, 'flat')
  row('resident memory, highest', `${mib(highest)} MiB`)
}
if (options.sweep > 0) {
  const { p99, perSecond } = (figures.duringSweep = await delayDuringSweep())
  row('event-loop delay p99, sweep', `${p99.toFixed(1)} ms`, '50 ms')
  row('sweep of the embedded store', `${Math.round(perSecond)} entries/s`)
}

publish(
  {
    study: 'memory',
    title: 'Memory and event loop',
    about: `Bodies of 10 KB; resident memory (without the pages of mapped files) over ${count(options.requests)} unique URLs with a memory tier of ${options['tier-mib']} MiB and a store of at most ${count(options['store-entries'])} entries, so that both are full and evict; sweep of ${count(options.sweep)} entries of the embedded store.`,
    columns: ['what', 'measured', 'limit'],
    rows,
    figures,
  },
  options,
)

function row(what, measured, limit = '') {
  rows.push([what, measured, limit])
  tell(`${what}: ${measured}`)
}

function count(number) {
  return number.toLocaleString('en')
}

/** Runs with a context of its own, which ends with it. @template T @param {(ctx: Context) => Promise<T>} work @returns {Promise<T>} */
async function within(work) {
  const context = new Context({ node: options.node })
  try {
    return await work(context)
  } finally {
    await context.close()
  }
}

/** Growth with the memory tier less growth without it: what else a request leaves behind is in both. */
async function heapPerEntry() {
  const on = await growth({ maxBytes: 2 * (options.entries + WARM) * (BODY + 4096) })
  const off = await growth({ maxBytes: 0 })
  tell(`beyond what a server without a memory tier keeps: ${JSON.stringify({ on, off })}`)
  const each = name => Math.round((total(on[name]) - total(off[name])) / options.entries - BODY)
  return { stored: each('stored'), answered: each('answered') }
}

/** Bytes, when all are stored, and when each has been asked for once more. @param {object} memory settings */
function growth(memory) {
  return within(async ctx => {
    const origin = await ctx.helper('origin.mjs', { bytes: BODY, unique: true })
    const strata = await ctx.strata(origin, { memory }, ['--expose-gc'])
    await ask(strata.port, '/warm/', WARM)
    await allStored(strata, memory, WARM)
    const before = await strata.ask('memory')
    await ask(strata.port, '/tiles/', options.entries)
    await allStored(strata, memory, WARM + options.entries)
    const since = async () => {
      const now = await strata.ask('memory')
      return {
        heapUsed: now.heapUsed - before.heapUsed,
        arrayBuffers: now.arrayBuffers - before.arrayBuffers,
      }
    }
    const stored = await since()
    await ask(strata.port, '/warm/', WARM)
    await ask(strata.port, '/tiles/', options.entries)
    await delay(2000)
    return { stored, answered: await since() }
  })
}

/** A fill ends a little after its client has its answer. */
async function allStored(strata, memory, wanted) {
  const until = Date.now() + 60_000
  for (;;) {
    const { entries, tiers } = await strata.ask('status')
    const resident = memory.maxBytes === 0 ? wanted : tiers.memory.keys
    if (entries === wanted && resident === wanted) break
    if (Date.now() > until)
      throw new Error(`of ${wanted} entries, ${entries} are stored and ${resident} in memory`)
    await delay(50)
  }
  // What was noted of accesses and written in batches is gone by then.
  await delay(2000)
}

function total({ heapUsed, arrayBuffers }) {
  return heapUsed + arrayBuffers
}

/** Each path once, 32 at a time. */
async function ask(port, prefix, count) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 32 })
  let next = 0
  const one = path =>
    new Promise((resolve, reject) => {
      http
        .get({ port, host: '127.0.0.1', path, agent }, res => {
          if (res.statusCode !== 200) reject(new Error(`${path}: ${res.statusCode}`))
          res.resume().on('end', resolve)
        })
        .on('error', reject)
    })
  const worker = async () => {
    while (next < count) await one(`${prefix}${next++}`)
  }
  await Promise.all(Array.from({ length: 32 }, worker))
  agent.destroy()
}

function residentMemory() {
  return within(async ctx => {
    const origin = await ctx.helper('origin.mjs', { bytes: BODY, unique: true })
    const strata = await ctx.strata(origin, {
      memory: { maxBytes: options['tier-mib'] * MIB },
      limits: { maxStoreEntries: options['store-entries'] },
      sweep: { intervalMs: 5000 },
    })
    const folder = ctx.path('load', { folder: true })
    const load = { port: strata.port, requests: [{ path: '/' }], unique: '/tiles/', connections: 64 }
    const seen = []
    for (let done = 0; done < options.requests;) {
      done += (await generate(generator, load, 5, folder)).requests
      const { bytes } = (await strata.ask('status')).tiers.memory
      const { heapUsed, arrayBuffers } = await strata.ask('memory')
      seen.push({ done, rss: residentOf(strata.pid), tier: bytes, heapUsed, arrayBuffers })
      tell(
        `${done} requests: ${mib(seen.at(-1).rss)} MiB resident, ${mib(bytes)} MiB of it the memory tier, ${mib(heapUsed)} MiB heap`,
      )
    }
    const full = seen.find(({ tier }) => tier > 0.95 * options['tier-mib'] * MIB) ?? seen.at(-1)
    const half = seen.find(({ done }) => done >= options.requests / 2) ?? seen.at(-1)
    return {
      full,
      series: seen,
      half: half.rss,
      end: seen.at(-1).rss,
      highest: Math.max(...seen.map(({ rss }) => rss)),
      requests: seen.at(-1).done,
    }
  })
}

/** Without the pages of LMDB's map: they are the system's cache of a file, and go when somebody needs the room. */
function residentOf(pid) {
  return Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024
}

/** @param {import('./harness/cores.mjs').Place} place of the server */
function delayUnderLoad(place) {
  return within(async ctx => {
    const origin = await ctx.helper('origin.mjs', { bytes: BODY, unique: true })
    const strata = await ctx.strata(origin, {}, [], place)
    const folder = ctx.path('load', { folder: true })
    const load = { port: strata.port, requests: [{ path: '/one' }], connections: 64 }
    const measured = async more => {
      await generate(generator, { ...load, ...more }, 2, folder)
      await strata.ask('startDelay')
      await generate(generator, { ...load, ...more }, options.seconds, folder)
      return strata.ask('delay')
    }
    return { hits: await measured({}), misses: await measured({ unique: '/tiles/' }) }
  })
}

function delayDuringSweep() {
  return within(async ctx => {
    const dataDir = ctx.path('data')
    const { lmdbMetadataStore } = await built('stores/embedded/index.js')
    const store = lmdbMetadataStore({ path: join(dataDir, 'default', 'metadata') })
    const started = performance.now()
    await fill(store, 0, options.sweep)
    await store.close()
    tell(`${options.sweep} entries stored in ${((performance.now() - started) / 1000).toFixed(0)} s`)
    const origin = await ctx.helper('origin.mjs', { bytes: BODY })
    const strata = await ctx.strata(origin, { dataDir, sweep: { intervalMs: 0 } })
    if ((await strata.ask('status')).entries !== options.sweep) throw new Error('the entries are not there')
    await strata.ask('startDelay')
    const begun = performance.now()
    await strata.ask('purgeAll')
    while ((await strata.ask('status')).entries > 0) await delay(200)
    const seconds = (performance.now() - begun) / 1000
    return { ...(await strata.ask('delay')), perSecond: options.sweep / seconds }
  })
}

function mib(bytes) {
  return Math.round(bytes / MIB)
}

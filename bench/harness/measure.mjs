import { generate } from './load.mjs'

/**
 * @typedef {object} Side one of the two that a bench compares
 * @property {string} title
 * @property {import('./processes.mjs').Running} [server]
 * @property {Omit<import('./load.mjs').Load, 'port' | 'connections'>} [load]
 * @property {() => Promise<void>} [verify] before each round: throws when the answers are not what the bench is about
 * @property {'hits' | 'misses' | 'fills'} [counts] which of the cache's own counters must have grown with the requests of the round
 * @property {(around?: Around) => Promise<import('../report/stats.mjs').Sample>} [sample] in place of load over HTTP: one round
 */

/**
 * Runs a round's work, and what belongs before and after it (a profile), on the server that does the work.
 * @typedef {<R>(server: import('./processes.mjs').Running, work: () => Promise<R>) => Promise<R>} Around
 */

/** @type {Around} */
export const alone = (_server, work) => work()

/**
 * @typedef {object} Pair
 * @property {Side} subject
 * @property {Side} baseline
 */

/** The counter may lack what was under way when the load ended. */
const COUNTED = 0.99
/** What has been answered is stored within so many ms. */
const STORED_WITHIN = 2000

/**
 * Alternating rounds, each side's turn first in every other one.
 *
 * @param {Pair} pair
 * @param {{ rounds: number, duration: number, warmUp: number, connections: number }} options
 * @param {'wrk' | 'autocannon'} generator
 * @param {string} folder
 */
export async function measure({ subject, baseline }, options, generator, folder) {
  const samples = new Map([
    [subject, /** @type {import('../report/stats.mjs').Sample[]} */ ([])],
    [baseline, []],
  ])
  for (const side of [subject, baseline]) await warmUp(side, options, generator, folder)
  for (let round = 0; round < options.rounds; round++) {
    const order = round % 2 === 0 ? [subject, baseline] : [baseline, subject]
    for (const side of order) samples.get(side).push(await oneRound(side, options, generator, folder))
  }
  return { subject: samples.get(subject), baseline: samples.get(baseline) }
}

/** @param {Side} side */
export async function warmUp(side, options, generator, folder) {
  await side.verify?.()
  if (side.sample !== undefined) return void (await side.sample())
  await generate(generator, loadOf(side, options), options.warmUp, folder)
}

/** @param {Side} side @returns {Promise<import('../report/stats.mjs').Sample>} */
export async function oneRound(side, options, generator, folder) {
  await side.verify?.()
  if (side.sample !== undefined) return side.sample()
  const { server, counts } = side
  const before = counts === undefined ? undefined : await server.ask('stats')
  const cpuBefore = await server.cpu()
  const { requests, seconds, p50, p99 } = await generate(
    generator,
    loadOf(side, options),
    options.duration,
    folder,
  )
  const cpu = (await server.cpu()) - cpuBefore
  if (counts !== undefined) await requireCounted(side, before[counts], requests)
  return { rate: requests / seconds, cpu: cpu / requests, p50, p99, busy: cpu / 1e6 / seconds }
}

/** @param {Side} side @param {number} before @param {number} requests */
async function requireCounted({ title, server, counts }, before, requests) {
  const until = performance.now() + STORED_WITHIN
  for (;;) {
    const grown = (await server.ask('stats'))[counts] - before
    if (grown >= requests * COUNTED) return
    if (performance.now() > until)
      throw new Error(`${title}: of ${requests} requests only ${grown} were ${counts}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

function loadOf({ server, load }, { connections }) {
  return { ...load, port: server.port, connections }
}

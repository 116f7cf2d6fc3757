import { POLICIES } from './studies/policies.mjs'
import { publish, studyOptions, tell } from './studies/study.mjs'
import { mapTrace, scanTrace, zipfTrace } from './studies/traces.mjs'

/**
 * Which eviction policy the memory tier should have, by hit ratio on replayed traces, at several sizes of the cache.
 * `npm run bench:hit-ratio -- [--requests 3000000] [--seed 1]`
 */

const options = studyOptions({ requests: 3_000_000, seed: 1 })
const SHARES = [0.01, 0.05, 0.2]

const rows = []
const figures = []
for (const make of [zipfTrace, scanTrace, mapTrace]) {
  const trace = make(options.requests, options.seed)
  const bytes = workingSet(trace)
  for (const share of SHARES) {
    const found = Object.entries(POLICIES).map(([policy, open]) => ({
      policy,
      ...replay(trace, open(bytes * share)),
    }))
    const best = Math.max(...found.map(({ hits }) => hits))
    rows.push([
      trace.name,
      `${share * 100} % (${Math.round((bytes * share) / 1024 ** 2)} MiB)`,
      ...found.map(
        ({ hits, bytesHit }) => `${percent(hits)}${hits === best ? ' *' : ''} (${percent(bytesHit)})`,
      ),
    ])
    figures.push({
      trace: trace.name,
      share,
      ...Object.fromEntries(found.map(({ policy, hits }) => [policy, hits])),
    })
    tell(rows.at(-1).join('  '))
  }
}

const mean = Object.fromEntries(
  Object.keys(POLICIES).map(policy => [
    policy,
    figures.reduce((sum, one) => sum + one[policy], 0) / figures.length,
  ]),
)
publish(
  {
    study: 'hit-ratio',
    title: 'Hit ratio of the memory tier by eviction policy',
    about: `Share of requests that were hits (of bytes in brackets) over ${options.requests.toLocaleString('en')} requests, the first fifth of them to warm up, with a cache of so much of all bytes that are ever asked for; * is the best. ARC is the memory tier's own module, LRU is lru-cache's, the others are simulations in \`bench/studies/policies.mjs\`. Means: ${Object.entries(
      mean,
    )
      .map(([policy, value]) => `${policy} ${percent(value)}`)
      .join(', ')}.`,
    columns: ['trace', 'cache', ...Object.keys(POLICIES)],
    rows,
    figures: { mean, traces: figures },
  },
  options,
)

/** @param {import('./studies/traces.mjs').Trace} trace @param {import('./studies/policies.mjs').Policy} request */
function replay({ objects, sizeOf }, request) {
  const warm = Math.floor(objects.length / 5)
  let [hits, bytes, bytesHit] = [0, 0, 0]
  objects.forEach((object, i) => {
    const size = sizeOf(object)
    const hit = request(object, size)
    if (i < warm) return
    bytes += size
    if (!hit) return
    hits++
    bytesHit += size
  })
  return { hits: hits / (objects.length - warm), bytesHit: bytesHit / bytes }
}

/** Bytes of all objects that are asked for at all. @param {import('./studies/traces.mjs').Trace} trace */
function workingSet({ objects, sizeOf }) {
  let sum = 0
  for (const object of new Set(objects)) sum += sizeOf(object)
  return sum
}

function percent(value) {
  return `${(value * 100).toFixed(1)} %`
}

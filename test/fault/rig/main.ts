import { parseArgs } from 'node:util'
import { SABOTAGES, type Sabotage } from '../../../src/engine/failpoints.js'
import type { Violation } from './oracle.js'
import { run, type RunResult } from './run.js'

const HELP = `The oracle run: random interleavings of requests, purges, held origins, held processes and faults.

npm run test:fault -- [--seed N] [--rounds M] [--backend redis|s3-redis|both] [--nodes 3] [--minutes X]
  --seed N       of all that is random; printed, and drawn when not given
  --rounds M     in all, shared evenly by the backends (200)
  --first N      the first round's number, to see one again with its seed
  --lanes N      rounds at once (16)
  --minutes X    ends after so long, whatever is left
  --goes-on      also after a violation
  --no-faults    links, nodes and Redis stay whole
  --odd          prints also what was very slow, and answers that running nodes broke off
  --sabotage S   a part of P1 taken out: ${SABOTAGES.slice(1).join(', ')}
`

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    rounds: { type: 'string', default: '200' },
    backend: { type: 'string', default: 'both' },
    nodes: { type: 'string', default: '3' },
    minutes: { type: 'string' },
    first: { type: 'string', default: '0' },
    lanes: { type: 'string', default: '16' },
    'goes-on': { type: 'boolean', default: false },
    odd: { type: 'boolean', default: false },
    'no-faults': { type: 'boolean', default: false },
    sabotage: { type: 'string', default: 'on' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  process.stdout.write(HELP)
  process.exit(0)
}

const seed = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed)
const backends = values.backend === 'both' ? (['redis', 's3-redis'] as const) : [values.backend as 'redis']
const rounds = Math.ceil(Number(values.rounds) / backends.length)
process.stdout.write(`seed ${seed}, ${rounds} rounds on each of: ${backends.join(', ')}\n`)

let violated = 0
for (const backend of backends) {
  const result = await run({
    backend,
    seed,
    rounds,
    nodes: Number(values.nodes),
    lanes: Number(values.lanes),
    first: Number(values.first),
    mostMs: values.minutes === undefined ? undefined : (Number(values.minutes) * 60_000) / backends.length,
    faults: values['no-faults'] ? 'none' : undefined,
    goesOn: values['goes-on'],
    sabotage: values.sabotage as Sabotage,
    onProgress: done => {
      if (done % 250 === 0) process.stdout.write(`${backend}: ${done} rounds\n`)
    },
  })
  report(result)
  violated += result.violations.length
}
process.stdout.write(`seed ${seed}: ${violated} violations\n`)
process.exit(violated === 0 ? 0 : 1)

function report({
  backend,
  rounds: done,
  violations,
  oddities,
  tally,
  originRequests,
  ms,
  warnings,
}: RunResult): void {
  const percentiles = [0.5, 0.99, 1].map(part => tally.percentile(part).toFixed(0)).join(' / ')
  const told = [...warnings].map(([what, count]) => `${what} ${count}`).join(', ')
  process.stdout.write(
    `${backend}: ${done} rounds in ${(ms / 1000).toFixed(0)} s, ${tally.total('answer ')} answers, ` +
      `${originRequests} origin requests, ${violations.length} violations\n  ${tally.toString()}\n` +
      `  ms (median / p99 / most): ${percentiles}\n  warnings: ${told}\n`,
  )
  for (const violation of violations.slice(0, 5)) process.stdout.write(describe('VIOLATION', violation))
  if (values.odd) for (const oddity of oddities) process.stdout.write(describe('ODD', oddity))
}

function describe(kind: string, { url, message, history }: Violation): string {
  return `\n${kind} ${url}: ${message}\n${history.join('\n')}\n`
}

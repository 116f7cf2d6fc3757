import { appendFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { SABOTAGES, type Sabotage } from '../../../src/engine/failpoints.js'
import type { Violation } from './oracle.js'
import { CRASH_POINTS, crashes } from './crashes.js'
import type { RigBackendName } from './rig-backend.js'
import { Random } from './random.js'
import { run, type RunResult } from './run.js'
import { standstill } from './standstill.js'

const HELP = `The oracle run: random interleavings of requests, purges, held origins, held processes and faults.

npm run test:fault -- [--seed N] [--rounds M] [--backend redis|s3-redis|redis-cluster|redis-pair|both] [--nodes 3] [--minutes X]
  --seed N       of all that is random; printed, and drawn when not given
  --rounds M     in all, shared evenly by the backends (200)
  --first N      the first round's number, to see one again with its seed
  --lanes N      rounds at once (16)
  --minutes X    ends after so long, whatever is left
  --goes-on      also after a violation
  --no-faults    links, nodes and Redis stay whole
  --odd          prints also what was very slow, and answers that running nodes broke off
  --crashes N    instead: kill -9 N times at each step of a fill, on each backend and on embedded
  --standstill S instead: Redis stands still for S seconds under load
  --log FILE     appends progress and report to it, too
  --sabotage S   a part of P1 taken out: ${SABOTAGES.slice(1).join(', ')}
SIGINT and SIGTERM end an oracle run: it reports what was done by then.
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
    log: { type: 'string' },
    crashes: { type: 'string' },
    standstill: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  process.stdout.write(HELP)
  process.exit(0)
}

/** Told at once, and kept whatever becomes of this process. */
function say(text: string): void {
  process.stdout.write(text)
  if (values.log !== undefined) appendFileSync(values.log, text)
}

const ending = new AbortController()
const PROGRESS_EVERY = 250

const seed = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed)
const backends =
  values.backend === 'both' ? (['redis', 's3-redis'] as const) : [values.backend as RigBackendName]
const rounds = Math.ceil(Number(values.rounds) / backends.length)
if (values.crashes !== undefined) process.exit(await crashRun(Number(values.crashes)))
if (values.standstill !== undefined) process.exit(await standstillRun(Number(values.standstill) * 1000))
process.exit(await oracleRun())

/** @returns exit code */
async function oracleRun(): Promise<number> {
  // Once: a second signal ends the process as ever.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort())
  say(`seed ${seed}, ${rounds} rounds on each of: ${backends.join(', ')}\n`)

  let violated = 0
  let done = 0
  for (const backend of backends) {
    if (ending.signal.aborted) break
    const began = performance.now()
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
      ending: ending.signal,
      onProgress: (rounds, violations) => {
        if (rounds % PROGRESS_EVERY !== 0) return
        const at = ((performance.now() - began) / 1000).toFixed(0)
        say(`${backend}: ${rounds} rounds, ${violations} violations after ${at} s\n`)
      },
    })
    report(result)
    violated += result.violations.length
    done += result.rounds
  }
  say(`seed ${seed}: ${done} rounds${ending.signal.aborted ? ', ended early' : ''}, ${violated} violations\n`)
  return violated === 0 ? 0 : 1
}

async function crashRun(times: number): Promise<number> {
  let bad = 0
  for (const backend of ['embedded', ...backends] as const) {
    const random = new Random(seed)
    const { kills, faults, bodiesLeft, bodiesReferred } = await crashes({ backend, random, times })
    const left = bodiesLeft - bodiesReferred
    say(
      `${backend}, seed ${seed}: ${kills} kills at ${CRASH_POINTS.length} points, ${faults.length} faults, ` +
        `${bodiesReferred} bodies referred to, ${left} orphans left\n${faults.map(fault => `  ${fault}\n`).join('')}`,
    )
    bad += faults.length + left
  }
  return bad === 0 ? 0 : 1
}

async function standstillRun(ms: number): Promise<number> {
  const { before, during, faults, healedMs } = await standstill(ms, seed)
  for (const [name, tally] of Object.entries({ before, during })) {
    const times = [0.5, 0.99, 1].map(part => tally.percentile(part).toFixed(0)).join(' / ')
    say(`${name}: ${tally.toString()}; ms (median / p99 / most): ${times}\n`)
  }
  say(`hits again ${healedMs.toFixed(0)} ms after SIGCONT; ${faults.length} faults\n`)
  for (const fault of faults.slice(0, 20)) say(`  ${fault}\n`)
  return faults.length === 0 ? 0 : 1
}

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
  say(
    `${backend}: ${done} rounds in ${(ms / 1000).toFixed(0)} s, ${tally.total('answer ')} answers, ` +
      `${originRequests} origin requests, ${violations.length} violations\n  ${tally.toString()}\n` +
      `  ms (median / p99 / most): ${percentiles}\n  warnings: ${told}\n`,
  )
  for (const violation of violations.slice(0, 5)) say(describe('VIOLATION', violation))
  if (values.odd) for (const oddity of oddities) say(describe('ODD', oddity))
}

function describe(kind: string, { url, message, history }: Violation): string {
  return `\n${kind} ${url}: ${message}\n${history.join('\n')}\n`
}

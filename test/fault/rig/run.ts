import { once } from 'node:events'
import type { RigBackendName } from './rig-backend.js'
import { chaos } from './chaos.js'
import type { Violation } from './oracle.js'
import { Random, seedOf } from './random.js'
import { startRig, type Rig, type RigOptions } from './rig.js'
import { Round } from './round.js'
import { Tally } from './tally.js'

export interface RunOptions extends RigOptions {
  readonly seed: number
  readonly rounds: number
  /** Rounds at once. */
  readonly lanes?: number
  /** The run's first round: to see one again. */
  readonly first?: number
  /** Ends earlier than after all rounds, ms. */
  readonly mostMs?: number
  readonly faults?: Parameters<typeof chaos>[4] | 'none'
  /** Probability that a purge finds a node cut off from Redis (0.03; 0 without faults; 0.5 for who has no lease). */
  readonly cutOff?: number
  /** Goes on after a violation. */
  readonly goesOn?: boolean
  readonly onProgress?: (done: number, violations: number) => void
  /** Ends at once, with what there is by then. */
  readonly ending?: AbortSignal
  /** To prepare the rig, before the first round. */
  readonly prepare?: (rig: Rig) => void
}

export interface RunResult {
  readonly backend: RigBackendName
  readonly rounds: number
  readonly violations: readonly Violation[]
  readonly oddities: readonly Violation[]
  readonly tally: Tally
  readonly originRequests: number
  readonly ms: number
  readonly warnings: ReadonlyMap<string, number>
}

const LANES = 16

/** Rounds on one backend, many at once, with faults switched on and off meanwhile. */
export async function run(options: RunOptions): Promise<RunResult> {
  const { seed, rounds, lanes = LANES, first = 0, mostMs = Infinity } = options
  const { sabotage, faults } = options
  // Where only a node that is cut off, or only a commit that comes late, can be wrong, that is what is tried.
  const { cutOff = sabotage === 'without-lease' ? 0.5 : faults === 'none' ? 0 : 0.03 } = options
  const holdsCommits = sabotage === 'without-commit-check'
  const random = new Random(seed)
  // Also the log's end, its folding and its shortening are part of what is tried.
  const maxMarks = random.pick(['64', '256', '1024'])
  // With `vary`, who sends another X-Variant joins no flight; with `forward` he may, and has to be told apart when the answer is there.
  const unkeyed = random.pick(['forward', 'vary'])
  const env = {
    STRATA_LIMITS_MAX_MARKS: maxMarks,
    STRATA_DEFAULTS_UNKEYED_FIELDS: unkeyed,
    ...options.env,
  }
  const rig = await startRig({ ...options, env })
  const tally = new Tally()
  const started = performance.now()
  let next = first
  let done = 0
  let over = false
  const going = () =>
    !over &&
    options.ending?.aborted !== true &&
    next < first + rounds &&
    performance.now() - started < mostMs &&
    (options.goesOn === true || rig.oracle.violations.length === 0)
  const lane = async () => {
    while (going()) {
      const number = next++
      const plan = new Random(seedOf(seed, number))
      await new Round(rig, plan, `round${number}`, tally, { cutOff, holdsCommits }).run()
      done++
      options.onProgress?.(done, rig.oracle.violations.length)
    }
  }
  try {
    options.prepare?.(rig)
    const breaking =
      options.faults === 'none' ? undefined : chaos(rig, random.fork(), tally, going, options.faults)
    const all = Promise.all(Array.from({ length: lanes }, lane)).then(() => {
      over = true
      return breaking
    })
    if (options.ending === undefined) await all
    else await untilEnding(all, options.ending)
    // Before the rig is taken down under rounds that an early end has left where they were.
    return result()
  } finally {
    over = true
    await rig.stop()
  }

  function result(): RunResult {
    const warnings = new Map<string, number>()
    for (const { node } of rig.stations)
      for (const [what, count] of node.warnings) warnings.set(what, (warnings.get(what) ?? 0) + count)
    return {
      backend: options.backend,
      rounds: done,
      violations: [...rig.oracle.violations],
      oddities: [...rig.oracle.oddities],
      tally,
      originRequests: rig.origin.requests(),
      ms: performance.now() - started,
      warnings,
    }
  }
}

async function untilEnding(all: Promise<unknown>, ending: AbortSignal): Promise<void> {
  const ended = ending.aborted ? Promise.resolve() : once(ending, 'abort')
  await Promise.race([all, ended])
  // What fails once the end is being made is no news.
  if (ending.aborted) all.catch(() => undefined)
}

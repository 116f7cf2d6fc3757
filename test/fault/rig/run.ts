import type { BackendName } from '../../support/backends.js'
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
  /** Probability that a purge finds a node cut off from Redis (0.03; 0 without faults). */
  readonly cutOff?: number
  /** Goes on after a violation. */
  readonly goesOn?: boolean
  readonly onProgress?: (done: number) => void
  /** To prepare the rig, before the first round. */
  readonly prepare?: (rig: Rig) => void
}

export interface RunResult {
  readonly backend: BackendName
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
  const { cutOff = options.faults === 'none' ? 0 : 0.03 } = options
  const random = new Random(seed)
  // Also the log's end, its folding and its shortening are part of what is tried.
  const maxMarks = random.pick(['64', '256', '1024'])
  const env = { STRATA_LIMITS_MAX_MARKS: maxMarks, ...options.env }
  const rig = await startRig({ ...options, env })
  const tally = new Tally()
  const started = performance.now()
  let next = first
  let done = 0
  let over = false
  const going = () =>
    !over &&
    next < first + rounds &&
    performance.now() - started < mostMs &&
    (options.goesOn === true || rig.oracle.violations.length === 0)
  const lane = async () => {
    while (going()) {
      const number = next++
      const plan = new Random(seedOf(seed, number))
      await new Round(rig, plan, `round${number}`, tally, cutOff).run()
      done++
      options.onProgress?.(done)
    }
  }
  try {
    options.prepare?.(rig)
    const breaking =
      options.faults === 'none' ? undefined : chaos(rig, random.fork(), tally, going, options.faults)
    await Promise.all(Array.from({ length: lanes }, lane))
    over = true
    await breaking
  } finally {
    over = true
    await rig.stop()
  }
  const warnings = new Map<string, number>()
  for (const { node } of rig.stations)
    for (const [what, count] of node.warnings) warnings.set(what, (warnings.get(what) ?? 0) + count)
  return {
    backend: options.backend,
    rounds: done,
    violations: rig.oracle.violations,
    oddities: rig.oracle.oddities,
    tally,
    originRequests: rig.origin.requests(),
    ms: performance.now() - started,
    warnings,
  }
}

import { loadConfig, type ConfigSources } from '../config/index.js'
import { parseMilliseconds } from '../config/units.js'
import { StrataError } from '../errors.js'
import type { Output } from './output.js'

export interface ReconcileFlags {
  readonly dryRun?: boolean
  readonly checkEach?: boolean
  readonly rebuild?: boolean
  /** A duration such as `1h`; without a unit milliseconds. */
  readonly grace?: string
}

/**
 * Deletes bodies that no metadata knows, drops entries whose body is gone, and says how many.
 * @returns exit code
 * @throws ConfigError; StrataError STRATA_BAD_REQUEST for a grace that is no duration
 */
export async function reconcileCommand(
  sources: ConfigSources,
  { dryRun = false, checkEach = false, rebuild = false, grace }: ReconcileFlags,
  output: Output,
): Promise<number> {
  const config = loadConfig(sources)
  const graceMs = grace === undefined ? undefined : parseMilliseconds(grace, 'ms')
  if (grace !== undefined && (graceMs === undefined || graceMs < 0))
    throw new StrataError('STRATA_BAD_REQUEST', '--grace must be a duration, such as 30m or 1h')
  const { reconcileStores } = await import('../compose/reconcile.js')
  const options = {
    ...(dryRun ? { dryRun } : {}),
    ...(checkEach ? { checkEach } : {}),
    ...(rebuild ? { rebuild } : {}),
  }
  const job = await reconcileStores(config, graceMs === undefined ? options : { ...options, graceMs }, line =>
    output.err(`strata: ${line}\n`),
  )
  if (job.state !== 'done') {
    output.err(`strata: reconciling ${job.state}${job.error === null ? '' : `: ${job.error}`}\n`)
    return 1
  }
  const done = dryRun ? ['would be deleted', 'would be dropped'] : ['deleted', 'dropped']
  const again = dryRun ? 'would be made again' : 'made again'
  output.out(
    `Looked at ${job.examined} entries and bodies.\n` +
      (rebuild ? `Entries ${again} from their bodies: ${job.rebuilt ?? 0}.\n` : '') +
      `Bodies that nothing refers to, ${done[0]}: ${job.bodies} (${job.bytes} bytes unknown to the metadata).\n` +
      `Entries without their body, ${done[1]}: ${job.removed}.\n`,
  )
  return 0
}

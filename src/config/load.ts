import { fileURLToPath } from 'node:url'
import { existsSync } from 'node:fs'
import type { z } from 'zod'
import type { EngineSettings } from '../engine/settings.js'
import { adminFaults } from './admin-faults.js'
import { backendFaults, resolveBackend } from './backend.js'
import type { Fault } from './faults.js'
import { ConfigError, faultsOf } from './faults.js'
import { layerFaults } from './layer-faults.js'
import type { StrataConfig, StrataOptions } from './schema.js'
import { configSchema } from './schema.js'
import type { Environment, FlagValues, Source } from './sources.js'
import { CONFIG_FILE_VARIABLE, fromEnvironment, fromFile, fromFlags } from './sources.js'
import type { Tree } from './tree.js'
import { deepFreeze, merge } from './tree.js'

export interface ConfigSources {
  /** Config file, JSON or YAML; without it the one that STRATA_CONFIG names. */
  readonly file?: string
  /** Environment; only `STRATA_*` is looked at. */
  readonly env?: Environment
  /** Flags of the command by name: `{ port: '0', 'redis-url': … }`. */
  readonly flags?: FlagValues
  /** Settings from code, as `createStrata` takes them; they win over everything else. */
  readonly options?: StrataOptions
}

/** Profiles are files of the package: `config/<profile>.yaml`, two folders up from here in `src` and in `dist`. */
const PROFILES = new URL('../../config/', import.meta.url)

/**
 * All settings from all sources, checked: options, flags, environment, file, profile, defaults, the first that has a setting wins.
 * @returns one deeply frozen value
 * @throws ConfigError with every fault, by path
 */
export function loadConfig({ file, env = {}, flags = {}, options = {} }: ConfigSources): StrataConfig {
  const path = file ?? (env[CONFIG_FILE_VARIABLE] || undefined)
  const given: Source[] = [fromFlags(flags), fromEnvironment(env)]
  if (path !== undefined) given.push(fromFile(path))
  given.unshift({ tree: options as Tree, origins: new Map(), faults: [] })

  const faults = given.flatMap(source => source.faults)
  let tree = given.reduceRight<Tree>((below, source) => merge(below, source.tree), {})
  const profile = fromProfile(tree.profile)
  faults.push(...profile.faults)
  tree = merge(profile.tree, tree)

  const parsed = configSchema.safeParse(tree)
  if (!parsed.success) {
    const sourceOf = (at: string) => given.find(source => source.origins.has(at))?.origins.get(at)
    faults.push(...faultsOf(parsed.error.issues, keysAt, sourceOf))
  }
  if (parsed.success) faults.push(...layerFaults(parsed.data.rules, parsed.data.tiles))
  if (parsed.success && faults.length === 0)
    faults.push(...backendFaults(parsed.data), ...adminFaults(parsed.data), ...workerFaults(parsed.data))
  if (!parsed.success || faults.length > 0) throw new ConfigError(dropRepeats(faults))
  const { s3 } = parsed.data
  s3.forcePathStyle ??= s3.endpoint !== undefined
  return deepFreeze<StrataConfig>(parsed.data)
}

function workerFaults({ workers = 1, backend }: StrataConfig): Fault[] {
  if (workers === 1 || backend !== 'memory') return []
  const message =
    'must be 1 with backend "memory", which processes can\'t share: choose embedded, redis or s3-redis'
  return [{ path: 'workers', message }]
}

/** What is kept with the metadata where the settings do not say: not in Redis, what S3 is there for. */
const INLINE_BYTES = { memory: 0, embedded: 16 * 1024, redis: 16 * 1024, 's3-redis': 0 } as const

/** The engine's part of the settings. */
export function toEngineSettings(config: StrataConfig): EngineSettings {
  const { rules, defaults, http, limits, memory, sweep, refreshAfterPurge, warm, tiers, tiles } = config
  const { inlineBodyBytes = INLINE_BYTES[resolveBackend(config).backend] } = limits
  const limited = { ...limits, inlineBodyBytes: Math.min(inlineBodyBytes, limits.smallBodyBytes) }
  return { rules, defaults, http, limits: limited, memory, sweep, refreshAfterPurge, warm, tiers, tiles }
}

function fromProfile(name: unknown): Source {
  const none = { tree: {}, origins: new Map<string, string>(), faults: [] }
  // The schema judges a name that is no name; here it must only never lead out of the folder.
  if (typeof name !== 'string' || name === 'default' || !/^[a-z0-9-]+$/.test(name)) return none
  const file = fileURLToPath(new URL(`${name}.yaml`, PROFILES))
  if (existsSync(file)) return fromFile(file)
  const message = 'is no profile that this package has: use "default" or "conformance"'
  return { ...none, faults: [{ path: 'profile', message }] }
}

/** The keys that the schema knows at a path (list positions count as any). */
function keysAt(path: readonly PropertyKey[]): readonly string[] {
  let schema: z.core.$ZodType | undefined = configSchema
  for (const part of path) schema = child(bare(schema), part)
  return Object.keys((schema && (bare(schema) as Partial<z.ZodObject>).shape) ?? {})
}

function child(schema: z.core.$ZodType | undefined, part: PropertyKey): z.core.$ZodType | undefined {
  if (typeof part === 'number') return (schema as Partial<z.ZodArray> | undefined)?.element
  return (schema as Partial<z.ZodObject> | undefined)?.shape?.[String(part)]
}

function bare(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  const inner = (schema?._zod.def as { innerType?: z.core.$ZodType } | undefined)?.innerType
  return inner ? bare(inner) : schema
}

function dropRepeats(faults: readonly Fault[]): Fault[] {
  const seen = new Set<string>()
  return faults.filter(({ path, message }) => {
    const text = `${path}\n${message}`
    return seen.has(text) ? false : Boolean(seen.add(text))
  })
}

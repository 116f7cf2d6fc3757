import type { z } from 'zod'
import { FLAGS } from './flags.js'
import { configSchema } from './schema.js'

/** Every setting as a row, derived from the schema: what the environment, the flags and the docs know comes from here. */

/** How text (an environment variable, a flag) becomes a value. */
export type SettingKind = 'text' | 'number' | 'boolean' | 'list' | 'json'

export interface Setting {
  /** Place in a config file: `s3.bucket`. */
  readonly path: string
  /** Environment variable: `STRATA_S3_BUCKET`. */
  readonly env: string
  /** Flags of `strata serve`, empty when there is none. */
  readonly flag: string
  readonly kind: SettingKind
  /** Redacted in print; can be read from a file named by `<env>_FILE`. */
  readonly secret: boolean
  readonly default: unknown
  readonly description: string
}

type Schema = z.core.$ZodType
type Def = z.core.$ZodTypeDef & { innerType?: Schema; in?: Schema; element?: Schema; defaultValue?: unknown }

let rows: readonly Setting[] | undefined

/** All settings in the order of the schema. */
export function describeSettings(): readonly Setting[] {
  rows ??= [...walk(configSchema, [])]
  return rows
}

/** `limits.maxBodyBytes` → `STRATA_LIMITS_MAX_BODY_BYTES`. */
export function envName(path: string): string {
  const words = path.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replaceAll('.', '_')
  return `STRATA_${words.toUpperCase()}`
}

function* walk(schema: Schema, path: readonly string[]): Generator<Setting> {
  const inner = unwrap(schema)
  const shape = (inner as Partial<z.ZodObject>).shape
  if (shape) {
    for (const [key, child] of Object.entries(shape)) yield* walk(child, [...path, key])
    return
  }
  const meta = (schema as z.ZodType).meta() ?? {}
  const name = path.join('.')
  yield {
    path: name,
    env: envName(name),
    flag: FLAGS.filter(flag => flag.path === name)
      .map(flag => `--${flag.name}`)
      .join(', '),
    kind: kindOf(inner),
    secret: meta.secret === true,
    default: defaultOf(schema),
    description: meta.description ?? '',
  }
}

/** Takes optional, default and prefault off. */
function unwrap(schema: Schema): Schema {
  const { innerType } = schema._zod.def as Def
  return innerType ? unwrap(innerType) : schema
}

function defaultOf(schema: Schema): unknown {
  const def = schema._zod.def as Def
  return def.type === 'default' ? def.defaultValue : undefined
}

function kindOf(schema: Schema): SettingKind {
  const def = schema._zod.def as Def
  switch (def.type) {
    case 'string':
    case 'enum':
      return 'text'
    case 'number':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'pipe': // sizes and durations: a number, or text with a unit
      return 'number'
    case 'array':
      return unwrap(def.element!)._zod.def.type === 'string' ? 'list' : 'json'
    default:
      return 'json'
  }
}

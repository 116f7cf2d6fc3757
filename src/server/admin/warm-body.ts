import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import type { WarmHow } from '../../engine/warm/warmer.js'
import { mayWarmWith } from '../warm-request.js'
import { readFlag, readQuery } from './answer.js'
import { checkShape, readListBody, TILES_SHAPE, zoomOf } from './list-body.js'

const headers = z
  .record(z.string(), z.string().regex(/^[\t\x20-\x7e]{0,1024}$/, 'must be one line of ASCII'))
  .transform(fields =>
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [name.toLowerCase(), value])),
  )
  .refine(fields => Object.keys(fields).length <= 16 && Object.keys(fields).every(mayWarmWith), {
    error:
      'may hold up to 16 fields such as Accept-Encoding: none that belongs to one client or one connection',
  })

const site = z
  .string()
  .regex(/^https?:\/\/[^/?#@\s]+$/, 'must be scheme and host, such as https://maps.example')
  .refine(text => URL.canParse(text), { error: 'is no URL' })

const how = {
  site: site.optional(),
  headers: headers.optional(),
  refresh: z.boolean().optional(),
  concurrency: z.number().int().min(1).max(256).optional(),
  rate: z.number().min(0).max(100_000).optional(),
  bytesPerSecond: z.number().min(0).optional(),
  retries: z.number().int().min(0).max(10).optional(),
  confirm: z.boolean().optional(),
  dryRun: z.boolean().optional(),
}

const seedSchema = z.strictObject({
  ...TILES_SHAPE,
  params: z.record(z.string(), z.string()).optional(),
  ...how,
})
const urlsSchema = z.strictObject({ urls: z.unknown(), ...how })

/** For lists as they are: `text/plain`, with the rest in the query. */
const QUERY = [
  ...(['zoom', 'matrixSet', 'site', 'concurrency', 'rate', 'bytesPerSecond', 'retries'] as const),
  ...(['refresh', 'confirm', 'dryRun'] as const),
]

export interface SeedBody {
  readonly request: Omit<z.output<typeof seedSchema>, keyof typeof how>
  readonly how: WarmHow
}

export interface UrlsBody {
  readonly urls: unknown
  readonly how: WarmHow
}

/** @throws FaultyRequest with every fault of the shape; StrataError STRATA_TOO_LARGE */
export async function readSeedBody(req: IncomingMessage): Promise<SeedBody> {
  const { bbox, geometry, tile, tiles, zoom, matrixSet, params, ...rest } = await read(
    req,
    'tiles',
    seedSchema,
  )
  const request = { bbox, geometry, tile, tiles, zoom, matrixSet, params }
  return { request, how: rest }
}

/** @throws FaultyRequest with every fault of the shape; StrataError STRATA_TOO_LARGE */
export async function readUrlsBody(req: IncomingMessage): Promise<UrlsBody> {
  const { urls, ...rest } = await read(req, 'urls', urlsSchema)
  return { urls, how: rest }
}

async function read<S extends z.ZodObject>(
  req: IncomingMessage,
  list: 'tiles' | 'urls',
  schema: S,
): Promise<z.output<S>> {
  const query = readQuery(req, QUERY)
  const given = await readListBody(req, list)
  return checkShape(isRecord(given) ? { ...fromQuery(query), ...given } : given, schema)
}

function fromQuery(query: Partial<Record<(typeof QUERY)[number], string>>): Record<string, unknown> {
  const { zoom, ...rest } = query
  const out: Record<string, unknown> = zoom === undefined ? {} : { zoom: zoomOf(zoom) }
  for (const [name, value] of Object.entries(rest)) {
    if (name === 'refresh' || name === 'confirm' || name === 'dryRun') out[name] = readFlag(name, value)
    else out[name] = name === 'site' || name === 'matrixSet' ? value : Number(value)
  }
  return out
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

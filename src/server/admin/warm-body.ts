import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import { FaultyRequest } from '../../engine/fence/mark-faults.js'
import type { WarmHow } from '../../engine/warm/warmer.js'
import { mayWarmWith } from '../warm-request.js'
import { readFlag, readQuery } from './answer.js'
import { readText } from './body.js'
import { faultsOfIssue } from './invalidate-body.js'
import { MAX_TILES_BODY, zoomOf } from './tiles-body.js'

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

/** The shape; what the values may be is the tiles' own to say. */
const seedSchema = z.strictObject({
  bbox: z.unknown().optional(),
  geometry: z.unknown().optional(),
  tile: z.unknown().optional(),
  tiles: z.unknown().optional(),
  zoom: z.unknown().optional(),
  matrixSet: z.unknown().optional(),
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
  const text = await readText(req, MAX_TILES_BODY)
  const isList = /^text\/plain\b/i.test(req.headers['content-type'] ?? '')
  const given: unknown = isList ? { [list]: text } : parseJson(text)
  const parsed = schema.safeParse(isRecord(given) ? { ...fromQuery(query), ...given } : given)
  if (parsed.success) return parsed.data
  throw new FaultyRequest(parsed.error.issues.flatMap(issue => faultsOfIssue(issue, schema)))
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const message =
      'the body must be JSON, e.g. {"bbox":[5.9,45.8,10.5,47.8],"zoom":[0,12]}; a list needs Content-Type: text/plain'
    throw new FaultyRequest([{ path: '', message }])
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

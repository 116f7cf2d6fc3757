import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import { FaultyRequest } from '../../engine/fence/mark-faults.js'
import type { TileRequest } from '../../tiles/purge/request.js'
import { readFlag } from './answer.js'
import { readText } from './body.js'
import { faultsOfIssue } from './invalidate-body.js'

/** Geometries and expiry lists are long, bytes. */
export const MAX_TILES_BODY = 16 * 1024 * 1024

export interface TilesBody {
  readonly request: TileRequest
  readonly soft: boolean
  readonly dryRun: boolean
}

/** The shape; what the values may be is the tiles' own to say. */
const schema = z.strictObject({
  bbox: z.unknown().optional(),
  geometry: z.unknown().optional(),
  tile: z.unknown().optional(),
  tiles: z.unknown().optional(),
  zoom: z.unknown().optional(),
  matrixSet: z.unknown().optional(),
  ancestors: z.boolean().optional(),
  descendants: z.boolean().optional(),
  soft: z.boolean().optional(),
  dryRun: z.boolean().optional(),
})

export const TILES_QUERY = ['soft', 'dryRun', 'ancestors', 'descendants', 'zoom', 'matrixSet'] as const

/**
 * JSON, or with `Content-Type: text/plain` an expiry list as it is, with the rest in the query.
 * @throws FaultyRequest with every fault of the shape; StrataError STRATA_BAD_REQUEST, STRATA_TOO_LARGE
 */
export async function readTilesBody(
  req: IncomingMessage,
  query: Partial<Record<(typeof TILES_QUERY)[number], string>>,
): Promise<TilesBody> {
  const text = await readText(req, MAX_TILES_BODY)
  const flag = (name: 'soft' | 'dryRun' | 'ancestors' | 'descendants') => readFlag(name, query[name])
  const isList = /^text\/plain\b/i.test(req.headers['content-type'] ?? '')
  const given = isList ? { tiles: text } : parseJson(text)
  const parsed = schema.safeParse(given)
  if (!parsed.success)
    throw new FaultyRequest(parsed.error.issues.flatMap(issue => faultsOfIssue(issue, schema)))
  const { soft, dryRun, ...request } = parsed.data
  return {
    soft: soft ?? flag('soft'),
    dryRun: dryRun ?? flag('dryRun'),
    request: {
      ...request,
      ancestors: request.ancestors ?? flag('ancestors'),
      descendants: request.descendants ?? flag('descendants'),
      zoom: request.zoom ?? zoomOf(query.zoom),
      matrixSet: request.matrixSet ?? query.matrixSet,
    },
  }
}

/** `12`, `0-22` or `0,22`. */
export function zoomOf(text: string | undefined): number | number[] | undefined {
  if (text === undefined) return undefined
  const match = /^(\d{1,3})(?:[-,](\d{1,3}))?$/.exec(text)
  if (match === null)
    throw new FaultyRequest([{ path: 'zoom', message: 'must be a zoom, or a range such as 0-22' }])
  return match[2] === undefined ? Number(match[1]) : [Number(match[1]), Number(match[2])]
}

function parseJson(text: string): unknown {
  const message =
    'the body must be JSON, e.g. {"bbox":[5.9,45.8,10.5,47.8],"zoom":[0,22]}; a list of tiles needs Content-Type: text/plain'
  try {
    return JSON.parse(text)
  } catch {
    throw new FaultyRequest([{ path: '', message }])
  }
}

import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import { FaultyRequest } from '../../engine/fence/mark-faults.js'
import { readText } from './body.js'
import { faultsOfIssue } from './invalidate-body.js'

/** Bodies that are a list as it is, or JSON that may hold one: geometries and lists of tiles or URLs. */

/** They are long, bytes. */
const MAX_LIST_BODY = 16 * 1024 * 1024

/** How tiles are named. The shape alone; what the values may be is the tiles' own to say. */
export const TILES_SHAPE = {
  bbox: z.unknown().optional(),
  geometry: z.unknown().optional(),
  tile: z.unknown().optional(),
  tiles: z.unknown().optional(),
  zoom: z.unknown().optional(),
  matrixSet: z.unknown().optional(),
}

/**
 * JSON, or with `Content-Type: text/plain` the text as what JSON would have under `list`.
 * @throws FaultyRequest for no JSON; StrataError STRATA_BAD_REQUEST, STRATA_TOO_LARGE
 */
export async function readListBody(req: IncomingMessage, list: 'tiles' | 'urls'): Promise<unknown> {
  const text = await readText(req, MAX_LIST_BODY)
  if (/^text\/plain\b/i.test(req.headers['content-type'] ?? '')) return { [list]: text }
  try {
    return JSON.parse(text)
  } catch {
    const message =
      'the body must be JSON, e.g. {"bbox":[5.9,45.8,10.5,47.8],"zoom":[0,12]}; a list needs Content-Type: text/plain'
    throw new FaultyRequest([{ path: '', message }])
  }
}

/** @throws FaultyRequest with every fault of the shape */
export function checkShape<S extends z.ZodObject>(given: unknown, schema: S): z.output<S> {
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  throw new FaultyRequest(parsed.error.issues.flatMap(issue => faultsOfIssue(issue, schema)))
}

/** `12`, `0-22` or `0,22`. */
export function zoomOf(text: string | undefined): number | number[] | undefined {
  if (text === undefined) return undefined
  const match = /^(\d{1,3})(?:[-,](\d{1,3}))?$/.exec(text)
  if (match === null)
    throw new FaultyRequest([{ path: 'zoom', message: 'must be a zoom, or a range such as 0-22' }])
  return match[2] === undefined ? Number(match[1]) : [Number(match[1]), Number(match[2])]
}

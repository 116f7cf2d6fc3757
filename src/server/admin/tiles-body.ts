import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import type { TileRequest } from '../../tiles/purge/request.js'
import { readFlag } from './answer.js'
import { checkShape, readListBody, TILES_SHAPE, zoomOf } from './list-body.js'

export interface TilesBody {
  readonly request: TileRequest
  readonly soft: boolean
  readonly dryRun: boolean
}

const schema = z.strictObject({
  ...TILES_SHAPE,
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
  const given = await readListBody(req, 'tiles')
  const flag = (name: 'soft' | 'dryRun' | 'ancestors' | 'descendants') => readFlag(name, query[name])
  const { soft, dryRun, ...request } = checkShape(given, schema)
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

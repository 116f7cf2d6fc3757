import type { TileOperator } from '../../tiles/tile-operator.js'
import { readQuery } from './answer.js'
import { COVERAGE_QUERY, coverageBody, readCoverageQuery, sendCoverage } from './coverage-answer.js'
import { invalidationAnswer } from './invalidate-routes.js'
import { paramOf, type AdminRoute, type Handler } from './route.js'
import { readTilesBody, TILES_QUERY, type TilesBody } from './tiles-body.js'

/** `POST /tiles/{layer}/invalidate`, `GET /tiles/{layer}/coverage`, `….png`, `….geojson` */
export function tilesRoutes(tiles: TileOperator): AdminRoute[] {
  const report = (req: Parameters<Handler>[0]) =>
    tiles.coverage(paramOf(req, 'layer'), readCoverageQuery(readQuery(req, COVERAGE_QUERY)))
  const drawn =
    (form: 'png' | 'geojson'): Handler =>
    async (req, { res }) => {
      sendCoverage(res, form, await report(req))
      return undefined
    }
  return [
    {
      path: '/tiles/:layer/invalidate',
      methods: {
        POST: {
          scope: 'purge',
          action: 'invalidate-tiles',
          body: { read: req => readTilesBody(req, readQuery(req, TILES_QUERY)) },
          run: async (req, { body }) => {
            const { request, ...options } = body as TilesBody
            return invalidationAnswer(await tiles.invalidate(paramOf(req, 'layer'), request, options))
          },
        },
      },
    },
    {
      path: '/tiles/:layer/coverage',
      methods: {
        GET: {
          scope: 'read',
          run: async req => {
            const found = await report(req)
            return 'state' in found
              ? { status: 202, body: found }
              : { status: 200, body: coverageBody(found) }
          },
        },
      },
    },
    { path: '/tiles/:layer/coverage.png', methods: { GET: { scope: 'read', run: drawn('png') } } },
    { path: '/tiles/:layer/coverage.geojson', methods: { GET: { scope: 'read', run: drawn('geojson') } } },
  ]
}

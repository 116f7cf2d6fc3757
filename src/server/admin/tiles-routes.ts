import type { TileOperator } from '../../tiles/tile-operator.js'
import { readQuery } from './answer.js'
import { invalidationAnswer } from './invalidate-routes.js'
import { paramOf, type AdminRoute } from './route.js'
import { readTilesBody, TILES_QUERY, type TilesBody } from './tiles-body.js'

/** `POST /tiles/{layer}/invalidate` */
export function tilesRoutes(tiles: TileOperator): AdminRoute[] {
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
  ]
}

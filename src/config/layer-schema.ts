import { z } from 'zod'
import { count, seconds } from './kinds.js'

/** Map layers: what makes a rule's URLs tiles. What the values may be together is in `layer-faults.ts`. */

const DEEPEST = 30

const zoom = () => count({ max: DEEPEST })
const zoomRange = z.tuple([zoom(), zoom()], { error: 'must be [first zoom, last zoom]' })
const template = z.string().min(1).max(512)
const setId = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be the id of a tile matrix set, such as "WebMercatorQuad"')

export const layerSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[^\s/?#%]{1,64}$/, 'must be 1 to 64 characters without blanks and without / ? # %')
    .optional()
    .describe(
      'Name of the layer; may hold places of the template, such as {layer}, and then stands for many',
    ),
  template: z
    .union([template, z.array(template).min(1).max(8)], {
      error: 'must be a URL template such as "/tiles/{z}/{x}/{y}.png", or a list of them',
    })
    .describe('URL of a tile: {z} {x} {y} {-y} {quadkey} {scale} {tms}, and names of your own'),
  matrixSet: z
    .union([setId, z.array(setId).min(1).max(16)], {
      error: 'must be the id of a tile matrix set, or a list of them',
    })
    .optional()
    .describe('Tile matrix sets: WebMercatorQuad (default), WorldCRS84Quad, or ids of tiles.matrixSets'),
  zoomOffset: count({ min: -DEEPEST, max: DEEPEST })
    .optional()
    .describe('Zoom in the URL less the zoom of the matrix set (-1 for /tms of MapProxy)'),
  minZoom: zoom().optional().describe('Lowest zoom at which there are tiles'),
  maxZoom: zoom().optional().describe('Highest zoom at which there are tiles'),
  extent: z
    .tuple([z.number(), z.number(), z.number(), z.number()], {
      error: 'must be [west, south, east, north] in degrees',
    })
    .optional()
    .describe('Where there are tiles: [west, south, east, north] in degrees'),
  outside: z
    .enum(['origin', 'not-found'])
    .optional()
    .describe(
      'A tile outside of zooms or extent: origin = ask as for any other; not-found = 404 without asking',
    ),
  zoomTtl: z
    .array(
      z.strictObject({
        zoom: zoomRange,
        ttl: seconds().optional(),
        overrideTtl: seconds().optional(),
      }),
    )
    .max(32)
    .optional()
    .describe('Freshness by zoom, the first that fits: [{zoom: [0, 8], ttl: 30d}]'),
  ttlJitter: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(
      "Part by which the rule's freshness may be shorter, by chance: tiles seeded together expire apart",
    ),
  negativeTtl: seconds().optional().describe('Freshness of 204 and 404 when the origin gives none (seconds)'),
  cors: z
    .string()
    .regex(/^(\*|https?:\/\/[^\s/?#@]+)$/, 'must be * or an origin such as "https://maps.example"')
    .optional()
    .describe('Access-Control-Allow-Origin of every answer, in place of what the origin says'),
})

const position = z.tuple([z.number(), z.number()])
const size = () => count({ min: 1, max: 2 ** 31 - 1 })

/** OGC 17-083r4, as far as it says where tiles are; the rest of a definition is let be. */
const matrixSet = z.looseObject({
  id: setId,
  crs: z.union([z.string(), z.looseObject({ uri: z.string().optional() })]),
  orderedAxes: z.array(z.string()).optional(),
  tileMatrices: z
    .array(
      z.looseObject({
        id: z.string().regex(/^[A-Za-z0-9._:-]{1,64}$/, 'must be 1 to 64 letters, digits and . _ : -'),
        scaleDenominator: z.number().optional(),
        cellSize: z.number().optional(),
        cornerOfOrigin: z.enum(['topLeft', 'bottomLeft']).optional(),
        pointOfOrigin: position,
        tileWidth: size(),
        tileHeight: size(),
        matrixWidth: size(),
        matrixHeight: size(),
        variableMatrixWidths: z.array(z.unknown()).optional(),
      }),
    )
    .min(1),
})

export const tilesSchema = z.strictObject({
  matrixSets: z
    .array(matrixSet)
    .max(64)
    .default([])
    .describe('Tile matrix sets beside the well-known ones, as OGC TileMatrixSet 2.0 JSON'),
})

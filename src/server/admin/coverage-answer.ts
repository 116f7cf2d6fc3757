import type { ServerResponse } from 'node:http'
import { FaultyRequest } from '../../engine/fence/mark-faults.js'
import { StrataError } from '../../errors.js'
import { coverageImage } from '../../tiles/census/coverage-image.js'
import type { Counting, CoverageQuery, CoverageReport } from '../../tiles/census/coverage-reports.js'

export const COVERAGE_QUERY = ['zoom', 'bbox', 'cell'] as const

/** @throws FaultyRequest */
export function readCoverageQuery(
  query: Partial<Record<(typeof COVERAGE_QUERY)[number], string>>,
): CoverageQuery {
  const number = (name: 'zoom' | 'cell', text: string) => {
    if (/^\d{1,3}$/.test(text)) return Number(text)
    throw new FaultyRequest([{ path: name, message: 'must be a whole number' }])
  }
  if (query.zoom === undefined)
    throw new FaultyRequest([
      { path: 'zoom', message: 'is missing: which zoom is to be counted, e.g. ?zoom=12' },
    ])
  return {
    zoom: number('zoom', query.zoom),
    ...(query.bbox === undefined ? {} : { bbox: query.bbox.split(',').map(Number) }),
    ...(query.cell === undefined ? {} : { cell: number('cell', query.cell) }),
  }
}

/** The report without what only an image needs. */
export function coverageBody({ grid: _grid, ...body }: CoverageReport): unknown {
  return body
}

/** Cells as polygons (RFC 7946), with the report's own members beside them. */
export function coverageGeoJson({ grid, cells, ...about }: CoverageReport): unknown {
  const { set, cellZoom } = grid
  return {
    type: 'FeatureCollection',
    ...about,
    features: cells.map(({ z, x, y, ...properties }) => {
      const { west, south, east, north } = set.matrices[cellZoom]!.bounds(x, y)
      const ring = [
        [west, south],
        [east, south],
        [east, north],
        [west, north],
        [west, south],
      ]
      return {
        type: 'Feature',
        id: `${z}/${x}/${y}`,
        geometry: { type: 'Polygon', coordinates: [ring] },
        properties: { z, x, y, ...properties },
      }
    }),
  }
}

/** Sends the report in another form than the API's JSON. */
export function sendCoverage(
  res: ServerResponse,
  form: 'png' | 'geojson',
  report: CoverageReport | Counting,
): void {
  if ('state' in report) {
    const seen = report.total === null ? `${report.examined}` : `${report.examined} of ${report.total}`
    throw new StrataError(
      'STRATA_STORE_UNAVAILABLE',
      `the tiles are being counted (${seen} entries): ask again`,
    )
  }
  const [type, bytes] =
    form === 'png'
      ? ['image/png', coverageImage(report.grid, report.cells)]
      : ['application/geo+json', Buffer.from(JSON.stringify(coverageGeoJson(report)))]
  res.writeHead(200, {
    'Content-Type': type,
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'Last-Modified': new Date(report.asOf).toUTCString(),
  })
  res.end(bytes)
}

import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { loadConfig, toEngineSettings, type StrataOptions } from '../../../src/config/index.js'
import { Layers, tileUrl } from '../../../src/tiles/layer/layers.js'

const text = readFileSync(new URL('../../../docs/tile-servers.md', import.meta.url), 'utf8')
/** A tile server's own settings may stand there as well: ours name an origin. */
const examples = [...text.matchAll(/```yaml\n(.*?)```/gs)]
  .map(([, yaml]) => parse(yaml!) as StrataOptions)
  .filter(({ origin }) => origin !== undefined)

/** Layers of the examples, and what their first tile of zoom 2 is called. */
const TILES: [string, Record<string, string>, string][] = [
  ['world', {}, '/tiles/2/1/0.png'],
  ['osm', { grid: 'webmercator' }, '/wmts/osm/webmercator/2/1/0.png'],
  ['osm-tms', {}, '/tms/1.0.0/osm/webmercator/1/1/3.png'],
  ['sentinel.S2A', {}, '/collections/sentinel/items/S2A/tiles/WebMercatorQuad/2/1/0'],
  [
    'states',
    {},
    '/geoserver/gwc/service/wmts?service=WMTS&request=GetTile&version=1.0.0&layer=topp:states&style=&tilematrixset=EPSG:900913&format=image/png&tilematrix=EPSG:900913:2&tilerow=0&tilecol=1',
  ],
]

test('every example of docs/tile-servers.md is good, and names the tiles that it should', () => {
  expect(examples).toHaveLength(4)
  const layers = examples.map(options => {
    const { rules, tiles } = toEngineSettings(loadConfig({ env: {}, options }))
    return new Layers(rules, tiles)
  })
  for (const [name, params, url] of TILES) {
    const urls = layers
      .map(set => set.find(name))
      .filter(found => found !== undefined)
      .map(found => {
        try {
          return tileUrl(found, { z: 2, x: 1, y: 0 }, { ...params, tms: found.layer.set.id })
        } catch {
          // Another example's, whose places this name does not fill.
          return undefined
        }
      })
    expect(urls).toContain(url)
  }
})

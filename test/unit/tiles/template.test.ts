import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { WEB_MERCATOR_QUAD, WORLD_CRS84_QUAD } from '../../../src/tiles/grid/matrix-set.js'
import { Layers, tileOfUrl, tileUrl } from '../../../src/tiles/layer/layers.js'
import { faultOfTemplate, Template } from '../../../src/tiles/layer/template.js'
import type { LayerSettings } from '../../../src/engine/settings.js'

const sets = [WEB_MERCATOR_QUAD, WORLD_CRS84_QUAD]
const template = (text: string, zoomOffset = 0) => new Template(text, { sets, zoomOffset })

function read(text: string, url: string, zoomOffset = 0) {
  const [path = '', query] = url.split('?', 2)
  const found = template(text, zoomOffset).read(path, query)
  return found && [found.set.id, found.z, found.x, found.y, found.params]
}

describe('a template', () => {
  test.each([
    ['/t/{z}/{x}/{y}.png', '/t/3/1/2.png', { scale: '1' }],
    ['/t/{layer}/{z}/{x}/{y}.png', '/t/roads%20a/03/1/2.png', { scale: '1', layer: 'roads a' }],
    ['/t/{z}/{x}/{-y}.png', '/t/3/1/5.png', { scale: '1' }],
    ['/t/{quadkey}.jpg', '/t/021.jpg', { scale: '1' }],
    ['/t/{z}/{x}/{y}{scale}.png', '/t/3/1/2@2x.png', { scale: '2' }],
    ['/t/{z}/{x}/{y}{r}.png', '/t/3/1/2.png', { scale: '1' }],
    [
      '/wmts?Service=WMTS&request=GetTile&layer={layer}&TileMatrixSet={tms}&tilematrix={z}&TileRow={y}&TileCol={x}',
      '/wmts?LAYER=osm&tilecol=1&TILEROW=2&TileMatrix=03&service=wmts&tilematrixset=WebMercatorQuad&REQUEST=GetTile&format=image%2Fpng',
      { scale: '1', layer: 'osm' },
    ],
    [
      '/wmts?layer=a&tilematrix=EPSG:900913:{z}&tilerow={y}&tilecol={x}',
      '/wmts?layer=a&tilematrix=EPSG%3A900913%3A3&tilerow=2&tilecol=1',
      { scale: '1' },
    ],
    [
      '/wmts/{layer}/{style}/{tms}/{z}/{y}/{x}.png',
      '/wmts/osm/default/WebMercatorQuad/3/2/1.png',
      { scale: '1', layer: 'osm', style: 'default' },
    ],
    [
      '/collections/{c}/items/{i}/tiles/{tms}/{z}/{x}/{y}',
      '/collections/s2/items/T32/tiles/WebMercatorQuad/3/1/2?rescale=0,1',
      { scale: '1', c: 's2', i: 'T32' },
    ],
    ['/cgi?mode=tile&tile={x} {y} {z}', '/cgi?map=a&mode=tile&tile=1+2+3', { scale: '1' }],
  ])('%s reads %s', (text, url, params) => {
    expect(read(text, url)).toEqual(['WebMercatorQuad', 3, 1, 2, params])
  })

  test('an offset lies between the zoom in the URL and that of the set', () => {
    expect(read('/tms/{z}/{x}/{-y}.png', '/tms/2/1/5.png', -1)?.slice(1, 4)).toEqual([3, 1, 2])
    expect(template('/tms/{z}/{x}/{-y}.png', -1).format({ z: 3, x: 1, y: 2 })).toBe('/tms/2/1/5.png')
  })

  test.each([
    ['/t/{z}/{x}/{y}.png', '/t/3/8/2.png', 'no such column'],
    ['/t/{z}/{x}/{y}.png', '/t/31/0/0.png', 'no such zoom'],
    ['/t/{z}/{x}/{y}.png', '/t/3/1/2.jpg', 'another ending'],
    ['/t/{z}/{x}/{y}.png', '/t/3/1/-2.png', 'a negative row'],
    ['/t/{z}/{x}/{y}.png', '/t/3/1/2@2x.png', 'a scale where none is said'],
    ['/t/{layer}/{z}/{x}/{y}.png', '/t/a%2Fb/3/1/2.png', 'a slash that was escaped'],
    ['/t/{layer}/{z}/{x}/{y}.png', '/t/%ff/3/1/2.png', 'no UTF-8'],
    ['/t?z={z}&x={x}&y={y}', '/t?z=3&x=1', 'a parameter that is missing'],
    ['/t?z={z}&x={x}&y={y}', '/t?z=3&x=1&y=2&X=4', 'a parameter that is there twice'],
    ['/t/{tms}/{z}/{x}/{y}', '/t/Other/3/1/2', 'an unknown matrix set'],
  ])('%s does not read %s (%s)', (text, url) => {
    expect(read(text, url)).toBeUndefined()
  })

  test('what it makes of any tile, it reads as that tile', () => {
    const texts = [
      '/t/{z}/{x}/{y}.png',
      '/t/{c}/{z:2}/{x}/{-y}{scale}.png',
      '/t/{quadkey}.png',
      '/t?a={c}&TILEMATRIX={z:2}&row={y}&col={x}',
      '/{c}/{tms}/{z}-{x}-{y}',
    ]
    const name = fc.string({ minLength: 1, maxLength: 12 }).filter(text => /^[^/]+$/.test(text))
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.integer({ min: 0, max: 24 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        name,
        fc.constantFrom('1', '2', '3'),
        (text, z, a, b, c, scale) => {
          const tile = { z, x: Math.floor(a * 2 ** z), y: Math.floor(b * 2 ** z) }
          // Places that run up to other text take as little as they can: `c` must not itself look like what follows.
          const params = { c, scale: text.includes('{scale}') ? scale : '1' }
          const [path = '', query] = template(text).format(tile, params).split('?', 2)
          const found = template(text).read(path, query)
          expect(found).toMatchObject({
            ...tile,
            params: { scale: params.scale, ...(text.includes('{c}') ? { c } : {}) },
          })
        },
      ),
      { numRuns: 500 },
    )
  })

  test.each([
    ['t/{z}/{x}/{y}', 'begin with /'],
    ['/t/{z}/{x}', 'lacks {y}'],
    ['/t/{z}/{x}/{y}/{-y}', 'both {y} and {-y}'],
    ['/t/{z}/{x}/{y}/{x}', '{x} twice'],
    ['/t/{z}{x}/{y}', 'nothing between'],
    ['/t/{quadkey}/{z}', 'take {z}'],
    ['/t/{z}/{x}/{y}/{', 'brace'],
    ['/t/{a}-{b}-{c}/{z}/{x}/{y}', 'more than two'],
  ])('%s is refused: %s', (text, reason) => {
    expect(faultOfTemplate(text, [WEB_MERCATOR_QUAD])).toContain(reason)
  })
})

describe('layers', () => {
  const layers = (...settings: LayerSettings[]) =>
    new Layers(
      settings.map(layer => ({ match: '/**', layer })),
      { matrixSets: [] },
    )

  test('one by its own name goes before one that has a place for it', () => {
    const all = layers(
      { template: '/t/{layer}/{z}/{x}/{y}' },
      { name: 'base', template: '/base/{z}/{x}/{y}' },
    )
    expect(tileUrl(all.find('base')!, { z: 1, x: 1, y: 0 })).toBe('/base/1/1/0')
    expect(tileUrl(all.find('roads')!, { z: 1, x: 1, y: 0 })).toBe('/t/roads/1/1/0')
  })

  test('a URL is a tile of the layer that it names, and of no other', () => {
    const roads = layers({ template: '/t/{layer}/{z}/{x}/{y}' }).find('roads')!
    expect(tileOfUrl(roads, 'https://maps.example/t/roads/1/1/0?v=2')).toMatchObject({
      z: 1,
      x: 1,
      y: 0,
      layer: 'roads',
    })
    expect(tileOfUrl(roads, 'https://maps.example/t/rails/1/1/0')).toBeUndefined()
  })

  test('a layer has the tiles of its zooms and its extent', () => {
    const [layer] = layers({
      name: 'a',
      template: '/{z}/{x}/{y}',
      minZoom: 2,
      maxZoom: 4,
      extent: [1, 1, 44, 44],
    }).all
    const has = (z: number, x: number, y: number) => layer!.has({ set: WEB_MERCATOR_QUAD, z, x, y })
    expect([has(3, 4, 3), has(3, 5, 3), has(3, 3, 3), has(1, 1, 0), has(5, 16, 15)]).toEqual([
      true,
      false,
      false,
      false,
      false,
    ])
  })
})

import { describe, expect, test } from '@jest/globals'
import { ConfigError, loadConfig, type StrataOptions } from '../../../src/config/index.js'

const layer = { name: 'base', template: '/tiles/{z}/{x}/{y}.png' }

function faultsOf(options: StrataOptions): readonly string[] {
  try {
    loadConfig({ options })
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.map(({ path, message }) => `${path}: ${message}`)
    throw error
  }
}

const withLayer = (more: object, match = '/tiles/**') =>
  faultsOf({ rules: [{ match, layer: { ...layer, ...more } }] })

describe('layers in the settings', () => {
  test('one that fits has no fault', () => {
    expect(
      withLayer({ zoomTtl: [{ zoom: [0, 8], ttl: '30d' }], extent: [170, -10, -170, 10], cors: '*' }),
    ).toEqual([])
  })

  test.each([
    [{ template: '/tiles/{z}/{x}.png' }, 'rules[0].layer.template: lacks {y}'],
    [{ template: '/other/{z}/{x}/{y}.png' }, 'makes URLs such as /other/0/0/0.png'],
    [
      { matrixSet: 'Mine' },
      'rules[0].layer.matrixSet: names Mine: there are WebMercatorQuad, WorldCRS84Quad',
    ],
    [{ minZoom: 5, maxZoom: 4 }, 'rules[0].layer.maxZoom: is below minZoom (5)'],
    [{ zoomTtl: [{ zoom: [8, 0] }] }, 'has its last zoom below its first'],
    [{ extent: [0, 10, 5, -10] }, 'has south 10 above north -10'],
    [{ extent: [0, 0, 190, 10] }, 'has east 190'],
    [{ name: '{layer}' }, 'has no {layer}, which the name of the layer has'],
    [{ name: undefined }, 'has no {layer}: give the layer a name'],
    [{ cors: 'maps.example' }, 'must be * or an origin'],
  ])('%j is told', (more, message) => {
    expect(withLayer(more).join('\n')).toContain(message)
  })

  test('two layers of one name are told', () => {
    const rules = [
      { match: '/tiles/**', layer },
      { match: '/more/**', layer: { ...layer, template: '/more/{z}/{x}/{y}' } },
    ]
    expect(faultsOf({ rules })).toEqual(["rules[1].layer.name: is base, which another rule's layer has"])
  })

  test('a matrix set of a system that is not known is told', () => {
    const matrix = { id: '0', cellSize: 1, tileWidth: 256, tileHeight: 256, matrixWidth: 1, matrixHeight: 1 }
    const set = {
      id: 'LV95',
      crs: 'EPSG:2056',
      tileMatrices: [{ ...matrix, pointOfOrigin: [0, 0] as [number, number] }],
    }
    expect(faultsOf({ tiles: { matrixSets: [set] } }).join()).toContain('EPSG:2056')
  })
})

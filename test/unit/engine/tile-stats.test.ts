import { expect, test } from '@jest/globals'
import { newOutcome, type Outcome } from '../../../src/engine/exchange.js'
import { TileStats } from '../../../src/engine/tile-stats.js'

function outcome(layer: string, z: number, more: Partial<Outcome> = {}): Outcome {
  return { ...newOutcome(), result: 'HIT', tile: { layer, set: 'WebMercatorQuad', z, x: 0, y: 0 }, ...more }
}

test('requests for tiles are counted by layer and zoom, with what they saved', () => {
  const stats = new TileStats()
  stats.count(outcome('base', 3, { result: 'MISS', originMs: 40, bytes: 100 }))
  stats.count(outcome('base', 3, { savedMs: 40, bytes: 100 }))
  stats.count(outcome('base', 12, { result: 'STALE', savedMs: 5 }))
  stats.count(newOutcome())
  const [base] = stats.snapshot()
  expect(base).toMatchObject({
    layer: 'base',
    requests: 3,
    hits: 1,
    misses: 1,
    stale: 1,
    bytes: 200,
    originMs: 40,
    originMsSaved: 45,
  })
  expect(base!.zooms.map(({ zoom, requests }) => [zoom, requests])).toEqual([
    [3, 2],
    [12, 1],
  ])
})

test('layers that clients make up are counted together from a thousand on', () => {
  const stats = new TileStats()
  for (let i = 0; i < 1500; i++) stats.count(outcome(`layer ${i}`, 1))
  const layers = stats.snapshot()
  expect(layers).toHaveLength(1001)
  expect(layers.find(({ layer }) => layer === '(others)')).toMatchObject({ requests: 500 })
})

import { expect, test } from '@jest/globals'
import { EarlyScavenges } from '../../../src/server/early-scavenges.js'

test.each([
  ['11.3.244.8-node.30', 65_536, 0],
  ['12.4.254.21-node.57', 65_536, 0],
  ['13.6.233.17-node.51', 16_383, 0],
  ['13.6.233.17-node.51', 16_384, 8192],
  ['13.6.233.17-node.51', 65_536, 32_768],
  ['14.1.146.11-node.14', 65_536, 32_768],
])('V8 %s, a piece of %i bytes: %i bytes on the heap', (v8, bytes, onHeap) => {
  const scavenges = new EarlyScavenges(v8)
  scavenges.passing(bytes)
  expect(scavenges.garbage).toHaveLength(onHeap / 8)
})

test('a new array for each piece', () => {
  const scavenges = new EarlyScavenges('13.6')
  scavenges.passing(65_536)
  const before = scavenges.garbage
  scavenges.passing(65_536)
  expect(scavenges.garbage).not.toBe(before)
})

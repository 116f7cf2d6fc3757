import { expect, test } from '@jest/globals'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { loadConfig } from '../../../src/config/index.js'
import { EarlyScavenges } from '../../../src/server/early-scavenges.js'
import { Upstream } from '../../../src/server/upstream.js'

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

test('what comes from an origin is told of, piece by piece', async () => {
  const server = createServer((_req, res) => res.end(Buffer.alloc(1_048_576))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const scavenges = new EarlyScavenges('13.6')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const upstream = new Upstream({ origin, ...loadConfig({ options: { origin } }).proxy }, scavenges)
  try {
    await new Promise<void>((resolve, reject) => {
      upstream.fetch(
        { method: 'GET', target: '/', scheme: 'http', authority: '', fields: [], body: undefined },
        {
          onInterim: () => {},
          onHead: () => {},
          onData: () => {},
          onEnd: resolve,
          onFailure: reject,
        },
      )
    })
    expect(scavenges.garbage.length).toBeGreaterThan(0)
  } finally {
    await upstream.close()
    server.close()
  }
})

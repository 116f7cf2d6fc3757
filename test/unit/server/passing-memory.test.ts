import { expect, test } from '@jest/globals'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { loadConfig } from '../../../src/config/index.js'
import { PassingMemory } from '../../../src/server/passing-memory.js'
import { Upstream } from '../../../src/server/upstream.js'

test.each([
  ['11.3.244.8-node.30', 65_536, 0],
  ['12.4.254.21-node.57', 65_536, 0],
  ['13.6.233.17-node.51', 16_383, 0],
  ['13.6.233.17-node.51', 16_384, 8192],
  ['13.6.233.17-node.51', 65_536, 32_768],
  ['14.1.146.11-node.14', 65_536, 32_768],
])('V8 %s, a piece of %i bytes: %i bytes on the heap', (v8, bytes, onHeap) => {
  const memory = new PassingMemory(v8)
  memory.passing(bytes)
  expect(memory.garbage).toHaveLength(onHeap / 8)
})

test('a new array for each piece', () => {
  const memory = new PassingMemory('13.6')
  memory.passing(65_536)
  const before = memory.garbage
  memory.passing(65_536)
  expect(memory.garbage).not.toBe(before)
})

test('malloc is told once, with the first large piece', () => {
  const blocks: number[] = []
  const memory = new PassingMemory('11.3', bytes => blocks.push(bytes))
  memory.passing(16_383)
  expect(blocks).toEqual([])
  memory.passing(16_384)
  memory.passing(65_536)
  expect(blocks).toEqual([16_777_216])
})

test('what comes from an origin is told of, piece by piece', async () => {
  const server = createServer((_req, res) => res.end(Buffer.alloc(1_048_576))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const memory = new PassingMemory('13.6')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const upstream = new Upstream({ origin, ...loadConfig({ options: { origin } }).proxy }, memory)
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
    expect(memory.garbage.length).toBeGreaterThan(0)
  } finally {
    await upstream.close()
    server.close()
  }
})

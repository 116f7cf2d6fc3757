import { expect, test } from '@jest/globals'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { loadConfig } from '../../../../src/config/index.js'
import { PassingMemory } from '../../../../src/engine/body/passing-memory.js'
import { Upstream } from '../../../../src/server/upstream.js'

const MIB = 1_048_576

/** Counts what is done about memory. */
function recorder() {
  const blocks: number[] = []
  const done = { blocks, collections: 0, means: 0 }
  return {
    done,
    minorCollection: () => {
      done.means++
      return () => void done.collections++
    },
    allocate: (bytes: number) => void blocks.push(bytes),
  }
}

test.each([
  ['11.3.244.8-node.30', 65_536, 0],
  ['12.4.254.21-node.57', 65_536, 0],
  ['13.6.233.17-node.51', 16_383, 0],
  ['13.6.233.17-node.51', 16_384, 3],
  ['13.6.233.17-node.51', 65_536, 3],
  ['14.1.146.11-node.14', 65_536, 3],
])('V8 %s, 24 MiB in pieces of %i bytes: asked %i times', (v8, bytes, times) => {
  const means = recorder()
  const memory = new PassingMemory(v8, means)
  for (let passed = 0; passed < 24 * MIB; passed += bytes) memory.passing(bytes)
  expect(means.done.collections).toBe(times)
})

test('V8 is asked with the piece that makes it 8 MiB, and not before', () => {
  const means = recorder()
  const memory = new PassingMemory('13.6', means)
  memory.passing(8 * MIB - 16_384)
  expect(means.done.collections).toBe(0)
  memory.passing(16_384)
  memory.passing(16_384)
  expect(means.done.collections).toBe(1)
})

test('the way to ask V8 is looked for once, with the first large piece, and only where it is needed', () => {
  const means = recorder()
  const memory = new PassingMemory('13.6', means)
  memory.passing(16_383)
  expect(means.done.means).toBe(0)
  memory.passing(16_384)
  memory.passing(65_536)
  expect(means.done.means).toBe(1)
  new PassingMemory('11.3', means).passing(65_536)
  expect(means.done.means).toBe(1)
})

test('a V8 that has no minor collection to give is let be', () => {
  const memory = new PassingMemory('13.6', { ...recorder(), minorCollection: () => undefined })
  expect(() => memory.passing(8 * MIB)).not.toThrow()
})

test('malloc is told once, with the first large piece', () => {
  const means = recorder()
  const memory = new PassingMemory('11.3', means)
  memory.passing(16_383)
  expect(means.done.blocks).toEqual([])
  memory.passing(16_384)
  memory.passing(65_536)
  expect(means.done.blocks).toEqual([16_777_216])
})

test('what comes from an origin is told of, piece by piece', async () => {
  const server = createServer((_req, res) => res.end(Buffer.alloc(12 * MIB))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const means = recorder()
  const memory = new PassingMemory('13.6', means)
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
    expect(means.done.collections).toBe(1)
  } finally {
    await upstream.close()
    server.close()
  }
})

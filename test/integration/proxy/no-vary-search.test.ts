import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startBackend, type BackendName, type TestBackend } from '../../support/backends.js'
import { eventually, startInProcessProxy, type InProcessProxy } from '../../support/in-process-proxy.js'

/** Two nodes on one store, before an origin that says of all it has that `utm` does not matter. */
describe.each<BackendName>(['embedded', 'redis'])('No-Vary-Search on two nodes: %s', name => {
  let backend: TestBackend
  let nodes: InProcessProxy[]
  let version = 1
  const server = createServer((req, res) => {
    res.setHeader('Cache-Control', 'max-age=600').setHeader('No-Vary-Search', 'params=("utm")')
    res.end(`version ${version} of ${req.url}`)
  })
  const startNode = () => {
    const { port } = server.address() as AddressInfo
    return startInProcessProxy({
      ...backend.options,
      origin: `http://127.0.0.1:${port}`,
      defaults: { noVarySearch: true },
    })
  }
  beforeAll(async () => {
    backend = await startBackend(name)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    nodes = [await startNode(), await startNode()]
  })
  afterAll(async () => {
    for (const node of nodes) await node.close()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    await backend.stop()
  })
  const get = async (node: number, target: string) => {
    const response = await fetch(nodes[node]!.base + target)
    return `${response.headers.get('x-cache')} ${await response.text()}`
  }
  const invalidate = async (node: number, body: object) => {
    const response = await fetch(`${nodes[node]!.base}/admin/cache/invalidate`, {
      method: 'POST',
      body: JSON.stringify(body),
    })
    expect(response.status).toBe(200)
  }

  const isStored = (path: string) =>
    eventually(async () => {
      const response = await fetch(`${nodes[0]!.base}/admin/cache/keys?prefix=${path}`)
      return ((await response.json()) as { keys: unknown[] }).keys.length > 0
    })

  test('a node that knows nothing of it, a new one too, purges what the other answers with', async () => {
    await get(0, '/a?id=1&utm=1')
    expect(await get(0, '/a?id=1&utm=2')).toBe('HIT version 1 of /a?id=1&utm=1')
    for (const request of [
      { urls: ['/a?id=1&utm=3'] },
      { prefix: '/a?id=1&utm=4' },
      { patterns: ['/a\\?*utm=5'] },
    ]) {
      version++
      await invalidate(1, request)
      expect(await get(0, '/a?id=1&utm=2')).toBe(`MISS version ${version} of /a?id=1`)
      expect(await get(0, '/a?id=1&utm=3')).toBe(`HIT version ${version} of /a?id=1`)
    }
    await nodes[1]!.close()
    nodes[1] = await startNode()
    version++
    await invalidate(1, { urls: ['/a?id=1&utm=6'] })
    expect(await get(0, '/a?id=1&utm=2')).toBe(`MISS version ${version} of /a?id=1`)
  })

  test('each learns for itself; what it asks for before goes where the other finds it', async () => {
    await get(0, '/b?id=1&utm=1')
    await isStored('/b')
    expect(await get(1, '/b?id=1&utm=1')).toBe(`MISS version ${version} of /b?id=1&utm=1`)
    expect(await get(1, '/b?id=1&utm=2')).toBe(`HIT version ${version} of /b?id=1&utm=1`)
    await get(0, '/c?id=1&utm=1')
    await isStored('/c')
    expect(await get(1, '/c?id=1')).toBe(`HIT version ${version} of /c?id=1&utm=1`)
    expect(await get(1, '/c?id=1&utm=2')).toBe(`HIT version ${version} of /c?id=1&utm=1`)
  })
})

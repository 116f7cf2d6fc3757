import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { createHash } from 'node:crypto'
import http from 'node:http'
import type { ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { BACKEND_NAMES, startBackend, type TestBackend } from '../../support/backends.js'
import { rawRequest } from '../../support/raw-client.js'
import { serveStrata, type ServingStrata } from '../../support/strata-cli.js'

/** P6: one origin request for a key at a time, whatever comes meanwhile. */

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const piece = (n: number, size: number) => Buffer.alloc(size, String(n % 10))

/** An origin whose answers a test writes itself; each target has its own list of them. */
async function handOrigin() {
  const asked = new Map<string, ServerResponse[]>()
  const server = http.createServer((req, res) => {
    const list = asked.get(req.url!) ?? []
    asked.set(req.url!, [...list, res])
    server.emit(`asked ${req.url}`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    times: (target: string) => asked.get(target)?.length ?? 0,
    next: async (target: string): Promise<ServerResponse> => {
      if (!asked.has(target)) await once(server, `asked ${target}`)
      return asked.get(target)!.at(-1)!
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A client that can leave, and says when it has so many bytes of the body. */
function client(port: number, target: string) {
  const chunks: Buffer[] = []
  let bytes = 0
  let waiting: { bytes: number; resolve: () => void }[] = []
  const request = http.get({ port, host: '127.0.0.1', path: target, agent: false })
  const response = new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once('response', resolve)
    request.once('error', reject)
  })
  const body = response.then(async message => {
    for await (const chunk of message) {
      chunks.push(chunk as Buffer)
      bytes += (chunk as Buffer).length
      waiting = waiting.filter(one => (one.bytes <= bytes ? (one.resolve(), false) : true))
    }
    return Buffer.concat(chunks)
  })
  body.catch(() => undefined)
  return {
    response,
    body,
    has: (n: number) =>
      new Promise<void>(resolve => (bytes >= n ? resolve() : waiting.push({ bytes: n, resolve }))),
    leave: () => request.destroy(),
  }
}

describe.each(BACKEND_NAMES)('on the backend %s', name => {
  let backend: TestBackend
  let origin: Awaited<ReturnType<typeof handOrigin>>
  let strata: ServingStrata
  let port: number
  const clients: { leave: () => void }[] = []
  const open = (target: string) => {
    const one = client(port, target)
    clients.push(one)
    return one
  }
  beforeAll(async () => {
    backend = await startBackend(name)
    origin = await handOrigin()
    strata = await serveStrata(['--origin', origin.url], backend.env)
    port = strata.port
  })
  afterEach(() => clients.splice(0).forEach(one => one.leave()))
  afterAll(async () => {
    strata.child.kill('SIGKILL')
    await strata.ended
    await origin.stop()
    await backend.stop()
  })

  const FRESH = { 'Cache-Control': 'max-age=3600' }
  const followers = async () => {
    const response = await rawRequest({ port, target: '/admin/cache/stats' })
    return (JSON.parse(response.body.toString()) as { followers: number }).followers
  }

  test('200 at once for a cold key: one origin request, 200 equal answers', async () => {
    const body = Buffer.concat([...Array(40).keys()].map(i => piece(i, 1000)))
    const clientsOfOne = [...Array(200).keys()].map(() => rawRequest({ port, target: '/cold' }))
    const response = await origin.next('/cold')
    setTimeout(() => response.writeHead(200, FRESH).end(body), 500)
    const all = await Promise.all(clientsOfOne)
    expect(new Set(all.map(one => `${one.status} ${one.complete} ${sha256(one.body)}`))).toEqual(
      new Set([`200 true ${sha256(body)}`]),
    )
    expect(origin.times('/cold')).toBe(1)
  })

  test('who comes in mid-stream of 5 MiB: the same bytes, one origin request', async () => {
    const MiB = 1024 ** 2
    const pieces = [...Array(20).keys()].map(i => piece(i, MiB / 4))
    const whole = sha256(Buffer.concat(pieces))
    const leader = open('/stream')
    const response = await origin.next('/stream')
    response.writeHead(200, { ...FRESH, 'Content-Length': 5 * MiB })
    response.write(Buffer.concat(pieces.slice(0, 2)))
    await leader.has(MiB / 2)
    // What has gone by is still kept: this one streams along.
    const early = open('/stream')
    await early.has(MiB / 2)
    for (const one of pieces.slice(2, 12)) response.write(one)
    await early.has(3 * MiB)
    // Too late for that: this one waits for the store.
    const before = await followers()
    const late = open('/stream')
    while ((await followers()) === before) await new Promise(resolve => setTimeout(resolve, 5))
    for (const one of pieces.slice(12)) response.write(one)
    response.end()
    for (const one of [leader, early, late]) expect(sha256(await one.body)).toBe(whole)
    expect((await late.response).headers['x-cache']).toBe('HIT')
    expect(origin.times('/stream')).toBe(1)
  })

  test.each([
    ['before the head', 0],
    ['in mid-body', 1000],
  ])('the leader’s client leaves %s: its follower gets all of it', async (_when, bytes) => {
    const target = `/left/${bytes}`
    const leader = open(target)
    leader.response.catch(() => undefined)
    const response = await origin.next(target)
    const before = await followers()
    if (bytes > 0) {
      response.writeHead(200, { ...FRESH, 'Content-Length': 3000 })
      response.write(piece(1, bytes))
      await leader.has(bytes)
    }
    const follower = open(target)
    while ((await followers()) === before) await new Promise(resolve => setTimeout(resolve, 5))
    leader.leave()
    if (bytes === 0) response.writeHead(200, { ...FRESH, 'Content-Length': 3000 })
    response.end(piece(2, 3000 - bytes))
    expect(await follower.body).toEqual(Buffer.concat([piece(1, bytes), piece(2, 3000 - bytes)]))
    expect(origin.times(target)).toBe(1)
  })

  test('what turns out to be the leader’s alone releases all others at once: each asks for itself', async () => {
    const target = '/private'
    const before = await followers()
    for (let i = 0; i < 5; i++) open(target)
    const first = await origin.next(target)
    while ((await followers()) < before + 4) await new Promise(resolve => setTimeout(resolve, 5))
    first.writeHead(200, { 'Cache-Control': 'private', 'Set-Cookie': 'session=1' }).write('leader ')
    while (origin.times(target) < 5) await new Promise(resolve => setTimeout(resolve, 5))
    expect(origin.times(target)).toBe(5)
  })
})

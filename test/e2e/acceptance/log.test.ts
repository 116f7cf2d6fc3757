import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { connect } from 'node:net'
import { startBackend, type TestBackend } from '../../support/backends.js'
import { eventually } from '../../support/in-process-proxy.js'
import { rawRequest } from '../../support/raw-client.js'
import { startScriptedOrigin, type ScriptedOrigin } from '../../support/scripted-origin.js'
import { serveStrata, type ServingStrata } from '../../support/strata-cli.js'

/** P11: one line at the start says what runs, and one line for each request what became of it. */

interface Line {
  readonly msg: string
  readonly reqId?: string
  readonly req?: { readonly method: string; readonly url: string; readonly remoteAddress: string }
  readonly res?: { readonly statusCode: number }
  readonly responseTime?: number
  readonly cache?: Readonly<Record<string, unknown>>
}

describe.each(['memory', 'embedded', 'redis'] as const)('log of the backend %s', name => {
  let backend: TestBackend
  let origin: ScriptedOrigin
  let strata: ServingStrata
  beforeAll(async () => {
    backend = await startBackend(name)
    origin = await startScriptedOrigin()
    strata = await serveStrata(['--origin', origin.url], backend.env)
  })
  afterAll(async () => {
    strata.child.kill('SIGKILL')
    await strata.ended
    await origin.stop()
    await backend.stop()
  })
  const send = (target: string, more: { method?: string; fields?: [string, string][] } = {}) =>
    rawRequest({ port: strata.port, target, ...more })
  const parse = (text: string) => JSON.parse(text) as Line
  /** The raw lines about a target: its newest, once there are so many. */
  const lineOf = (target: string, nth: number) =>
    eventually(() => {
      const found = strata.lines.filter(text => parse(text).req?.url === target)
      return found.length >= nth && found[nth - 1]!
    })
  const fresh = { fields: [['Cache-Control', 'max-age=3600']] as const, body: 'x' }
  const memoryHits = async () =>
    (JSON.parse((await send('/admin/cache/stats')).body.toString()) as { memoryHits: number }).memoryHits

  test('the start: addresses, backend and why, where the admin routes answer', () => {
    const lines = strata.lines.map(text => JSON.parse(text) as Record<string, unknown>)
    const starts = lines.filter(line => 'addresses' in line)
    expect(starts).toHaveLength(1)
    expect(starts[0]).toMatchObject({
      addresses: [{ host: '127.0.0.1', port: strata.port }],
      backend: name,
      why: expect.stringMatching(/./) as unknown,
      admin: expect.stringContaining('loopback') as unknown,
      origin: origin.url,
    })
  })

  test('MISS, a HIT from memory and one from the store: ID, key, tier, and how long each phase took', async () => {
    origin.script('/steps', fresh)
    await send('/steps')
    const miss = parse(await lineOf('/steps', 1))
    expect(miss).toMatchObject({
      req: { method: 'GET', remoteAddress: '127.0.0.1' },
      res: { statusCode: 200 },
      cache: { result: 'MISS', tier: 'origin', originStatus: 200 },
    })
    expect(miss.reqId).toMatch(/^[0-9a-f-]{36}$/)
    expect(miss.req).toHaveProperty('id', miss.reqId)
    for (const phase of ['lookupMs', 'originMs']) expect(miss.cache![phase]).toEqual(expect.any(Number))
    expect(miss.responseTime).toEqual(expect.any(Number))

    let nth = 1
    const hit = await eventually(async () => {
      await send('/steps')
      const line = parse(await lineOf('/steps', ++nth))
      return line.cache!.tier === 'memory' && line
    })
    expect(hit.cache).toMatchObject({ result: 'HIT', key: miss.cache!.key })
    expect(hit.reqId).not.toBe(miss.reqId)
  })

  test('a hit in memory asks no store', async () => {
    origin.script('/memory', fresh)
    await send('/memory')
    const before = await memoryHits()
    await eventually(async () => {
      await send('/memory')
      return (await memoryHits()) > before
    })
    const first = await memoryHits()
    for (let i = 0; i < 20; i++) expect((await send('/memory')).field('X-Cache')).toBe('HIT')
    expect((await memoryHits()) - first).toBe(20)
  })

  test('bytes that came from the origin and bytes that went to clients, of answers from anywhere', async () => {
    const body = 'b'.repeat(1000)
    origin.script('/bytes', { fields: [['Cache-Control', 'max-age=3600']], body })
    type Bytes = { bytesFetched: number; bytesServed: number; hits: number }
    const stats = async () => JSON.parse((await send('/admin/cache/stats')).body.toString()) as Bytes
    const before = await stats()
    for (let i = 0; i < 5; i++) await send('/bytes')
    await send('/bytes', { method: 'HEAD' })
    await send('/bytes', { fields: [['Range', 'bytes=0-9']] })
    const after = await eventually(async () => {
      const now = await stats()
      return now.hits - before.hits >= 6 && now
    })
    expect(after.bytesFetched - before.bytesFetched).toBe(1000)
    expect(after.bytesServed - before.bytesServed).toBe(5010)
  })

  test('no property twice; BYPASS, errors and refusals have their lines too', async () => {
    origin.script('/post', { fields: [], body: 'x' })
    origin.script('/private', { fields: [['Cache-Control', 'private']], body: 'x' })
    origin.script('/broken', { cut: 'start' }, { cut: 'start' }, { cut: 'start' })
    await send('/post', { method: 'POST' })
    await send('/private')
    await send('/broken')
    await send('/trace', { method: 'TRACE' })
    const expected: [string, number, Record<string, unknown>][] = [
      ['/post', 200, { result: 'BYPASS', detail: 'method' }],
      ['/private', 200, { result: 'MISS', detail: 'private' }],
      ['/broken', 502, { result: 'MISS', detail: 'STRATA_ORIGIN_UNREACHABLE' }],
      ['/trace', 405, { result: 'BYPASS', detail: 'STRATA_METHOD_NOT_ALLOWED' }],
    ]
    for (const [target, statusCode, cache] of expected) {
      const text = await lineOf(target, 1)
      expect(parse(text)).toMatchObject({ res: { statusCode }, cache })
      for (const property of ['cache', 'req', 'res', 'reqId', 'responseTime'])
        expect([property, text.split(`"${property}":`).length - 1]).toEqual([property, 1])
    }
    const { errors } = JSON.parse((await send('/admin/cache/stats')).body.toString()) as { errors: number }
    expect(errors).toBe(2)
  })

  test('the client’s own X-Request-Id, if a log can take it; and no secret of a request', async () => {
    origin.script('/id', fresh)
    origin.script('/bad-id', fresh)
    await send('/id', {
      fields: [
        ['X-Request-Id', 'req-1.a:b'],
        ['Authorization', 'Bearer secret'],
        ['Cookie', 'c=secret'],
      ],
    })
    await send('/bad-id', { fields: [['X-Request-Id', 'a b"}'.padEnd(300, 'x')]] })
    const text = await lineOf('/id', 1)
    expect(parse(text).reqId).toBe('req-1.a:b')
    expect(text).not.toContain('secret')
    expect(parse(await lineOf('/bad-id', 1)).reqId).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('a client that leaves before its answer has a line', async () => {
    let release = () => {}
    const after = new Promise<void>(resolve => (release = resolve))
    origin.script('/left', { ...fresh, after })
    const socket = connect(strata.port, '127.0.0.1', () =>
      socket.write('GET /left HTTP/1.1\r\nHost: a\r\n\r\n'),
    )
    await origin.asked('/left', 1)
    socket.destroy()
    const line = await lineOf('/left', 1)
    expect(parse(line).req).toMatchObject({ method: 'GET' })
    release()
  })
})

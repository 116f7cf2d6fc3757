import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createHash } from 'node:crypto'
import { BACKEND_NAMES, startBackend, type TestBackend } from '../../support/backends.js'
import { eventually } from '../../support/in-process-proxy.js'
import { rawRequest, type RawResponse } from '../../support/raw-client.js'
import { startScriptedOrigin, type ScriptedOrigin } from '../../support/scripted-origin.js'
import { serveStrata, type ServingStrata } from '../../support/strata-cli.js'

/** What a stranger tries first, through the built command, on every backend. */

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
/** Bytes that differ from place to place: a chunk that is missing, doubled or out of its place is seen. */
const counting = (size: number) =>
  Buffer.from(Uint32Array.from({ length: size / 4 }, (_, i) => i * 2654435761).buffer)

const BODIES = [
  ['small', counting(10_000)],
  ['large', counting(3_000_000)],
] as const

describe.each(BACKEND_NAMES)('on the backend %s', name => {
  let backend: TestBackend
  let origin: ScriptedOrigin
  let strata: ServingStrata
  let port = 0
  beforeAll(async () => {
    backend = await startBackend(name)
    origin = await startScriptedOrigin()
    await start()
  })
  afterAll(async () => {
    strata.child.kill('SIGKILL')
    await strata.ended
    await origin.stop()
    await backend.stop()
  })

  async function start(): Promise<void> {
    strata = await serveStrata(['--origin', origin.url], backend.env)
    port = strata.port
  }
  async function restart(): Promise<void> {
    strata.child.kill('SIGTERM')
    expect(await strata.ended).toBe(0)
    await start()
  }
  const get = (target: string, ...fields: [string, string][]) => rawRequest({ port, target, fields })
  const outcome = (response: RawResponse) => response.field('X-Cache')
  const admin = async (method: string, path: string): Promise<Record<string, unknown>> => {
    const response = await rawRequest({ port, method, target: `/admin/cache${path}` })
    expect(response.status).toBe(200)
    return JSON.parse(response.body.toString()) as Record<string, unknown>
  }
  /** The answer is out before its entry is committed; until then it is shared as it comes. */
  const storedHit = (target: string) =>
    eventually(async () => {
      const response = await get(target)
      return outcome(response) === 'HIT' && !/being-stored/.test(response.field('Cache-Status')!) && response
    })

  test('the start-up line says which backend, and why', () => {
    const line = JSON.parse(strata.lines.find(text => text.includes('addresses'))!) as Record<string, unknown>
    expect(line).toMatchObject({ backend: name, addresses: [{ host: '127.0.0.1', port }] })
    expect(line.why).toEqual(expect.stringMatching(/./))
  })

  describe.each(BODIES)('%s body', (size, body) => {
    const fields = [
      ['Cache-Control', 'max-age=3600'],
      ['ETag', '"v1"'],
      ['Content-Type', 'application/octet-stream'],
    ] as const

    test('MISS, HIT with the same bytes, 304, 206, HEAD', async () => {
      const target = `/${size}/steps`
      origin.script(target, { fields, body })
      const first = await get(target)
      expect(first).toMatchObject({ status: 200, complete: true })
      expect(outcome(first)).toBe('MISS')
      expect(sha256(first.body)).toBe(sha256(body))

      const hit = await storedHit(target)
      expect(sha256(hit.body)).toBe(sha256(body))
      expect(hit.field('Cache-Status')).toMatch(/^strata; hit; ttl=35\d\d/)

      const unchanged = await get(target, ['If-None-Match', '"v1"'])
      expect(unchanged).toMatchObject({ status: 304, complete: true })
      expect(outcome(unchanged)).toBe('HIT')
      const changed = await get(target, ['If-None-Match', '"v0"'])
      expect(changed.status).toBe(200)

      const from = Math.floor(body.length / 2) - 3
      for (const [range, first, last] of [
        [`bytes=${from}-${from + 9}`, from, from + 9],
        ['bytes=-7', body.length - 7, body.length - 1],
        ['bytes=0-0', 0, 0],
        [`bytes=1-`, 1, body.length - 1],
      ] as const) {
        const part = await get(target, ['Range', range])
        expect(part).toMatchObject({ status: 206, complete: true })
        expect(part.field('Content-Range')).toBe(`bytes ${first}-${last}/${body.length}`)
        expect(sha256(part.body)).toBe(sha256(body.subarray(first, last + 1)))
        expect(outcome(part)).toBe('HIT')
      }
      expect((await get(target, ['Range', `bytes=${body.length}-`])).status).toBe(416)

      const headOnly = await rawRequest({ port, method: 'HEAD', target })
      expect(headOnly).toMatchObject({ status: 200, complete: true })
      expect(headOnly.field('Content-Length')).toBe(String(body.length))
      expect(outcome(headOnly)).toBe('HIT')
      expect(origin.requests(target)).toHaveLength(1)
    })

    test('Age: that of the origin, and what has passed since', async () => {
      const target = `/${size}/age`
      const date = new Date(Date.now() - 100_000).toUTCString()
      origin.script(target, { fields: [...fields, ['Date', date], ['Age', '250']], body })
      const first = await get(target)
      expect(Number(first.field('Age'))).toBeGreaterThanOrEqual(250)
      // Perhaps still on its way to the store: it has its age all the same.
      const second = await get(target)
      expect(outcome(second)).toBe('HIT')
      expect(Number(second.field('Age'))).toBeGreaterThanOrEqual(250)
      const hit = await storedHit(target)
      const before = Number(hit.field('Age'))
      expect(before).toBeGreaterThanOrEqual(250)
      expect(before).toBeLessThan(280)
      const later = await eventually(async () => {
        const response = await get(target)
        return Number(response.field('Age')) > before && response
      })
      expect(outcome(later)).toBe('HIT')
    })

    test('purge by key, by pattern, by URL: MISS again', async () => {
      const target = `/${size}/purge`
      const bodies = [0, 1, 2, 3].map(n => Buffer.concat([body, Buffer.from([n])]))
      origin.script(target, ...bodies.map(one => ({ fields, body: one })))
      await get(target)
      await storedHit(target)

      const { keys } = (await admin('GET', `/keys?pattern=${encodeURIComponent(`**${target}`)}`)) as {
        keys: { key: string; url: string }[]
      }
      expect(keys).toHaveLength(1)
      expect(await admin('DELETE', `/keys/${keys[0]!.key}`)).toMatchObject({ matched: 1 })
      const second = await get(target)
      expect(outcome(second)).toBe('MISS')
      expect(second.body.at(-1)).toBe(1)
      await storedHit(target)

      const pattern = encodeURIComponent(`/${size}/pur*`)
      expect(await admin('POST', `/invalidate/pattern/${pattern}`)).toMatchObject({ matched: 1 })
      const third = await get(target)
      expect(outcome(third)).toBe('MISS')
      expect(third.body.at(-1)).toBe(2)
      expect(sha256((await storedHit(target)).body)).toBe(sha256(bodies[2]!))

      // Named as a client does, port and all.
      const named = await rawRequest({
        port,
        method: 'POST',
        target: '/admin/cache/invalidate',
        fields: [['Content-Type', 'application/json']],
        body: JSON.stringify({ urls: [`${strata.base}${target}`] }),
      })
      expect(JSON.parse(named.body.toString())).toMatchObject({ matched: 1 })
      const fourth = await get(target)
      expect(outcome(fourth)).toBe('MISS')
      expect(fourth.body.at(-1)).toBe(3)
    })

    test('stop and start: HIT with the same bytes, unless the store is the process itself', async () => {
      const target = `/${size}/restart`
      origin.script(target, { fields, body }, { fields, body })
      const first = await get(target)
      expect(outcome(first)).toBe('MISS')
      // At once: what a client has had is stored before the process ends.
      await restart()
      const again = await get(target)
      expect(again).toMatchObject({ status: 200, complete: true })
      expect(sha256(again.body)).toBe(sha256(body))
      expect(outcome(again)).toBe(backend.isPersistent ? 'HIT' : 'MISS')
    })
  })
})

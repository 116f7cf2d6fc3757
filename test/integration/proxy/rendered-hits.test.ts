import { describe, expect, test } from '@jest/globals'
import { createHash } from 'node:crypto'
import http from 'node:http'
import { once } from 'node:events'
import { closeLater } from './proxied.js'
import { startInProcessProxy } from '../../support/in-process-proxy.js'
import { patternDigest, startPatternOrigin } from '../../support/pattern-origin.js'

/**
 * A hit in memory on a connection that stays open goes out by a head that was rendered before; on one that is closed it is made in the
 * ordinary way. Both must be the same answer.
 */

interface Answer {
  readonly status: number
  readonly fields: readonly string[]
  readonly bytes: number
  readonly digest: string
}

async function ask(port: number, path: string, options: http.RequestOptions): Promise<Answer> {
  const request = http.request({ host: '127.0.0.1', port, path, ...options }).end()
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  const digest = createHash('sha256').update(body).digest('hex')
  return { status: response.statusCode!, fields: comparable(response.rawHeaders), bytes: body.length, digest }
}

/** Without what says how the connection goes on, and with the seconds left out. */
function comparable(raw: readonly string[]): string[] {
  const fields: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    if (/^(connection|keep-alive)$/i.test(raw[i]!)) continue
    const value = /^(age|cache-status)$/i.test(raw[i]!) ? raw[i + 1]!.replace(/\d+/g, 'n') : raw[i + 1]!
    fields.push(`${raw[i]!}: ${value}`)
  }
  return fields
}

const SMALL = 10_240
const LARGE = 3_000_000
const requests: readonly (readonly [string, http.RequestOptions])[] = [
  ['the whole', {}],
  ['HEAD', { method: 'HEAD' }],
  ['If-None-Match with its tag', { headers: { 'If-None-Match': '"SIZE"' } }],
  ['If-None-Match with a list', { headers: { 'If-None-Match': 'W/"other", "SIZE"' } }],
  ['If-None-Match of a HEAD', { method: 'HEAD', headers: { 'If-None-Match': '"SIZE"' } }],
  ['If-None-Match with another', { headers: { 'If-None-Match': '"other"' } }],
  ['If-Modified-Since', { headers: { 'If-Modified-Since': new Date(Date.now() + 60_000).toUTCString() } }],
  ['a range', { headers: { Range: 'bytes=5-1004' } }],
  ['a range over the border of two pieces', { headers: { Range: 'bytes=262000-263000' } }],
  ['the end', { headers: { Range: 'bytes=-100' } }],
  ['from somewhere on', { headers: { Range: 'bytes=9000-' } }],
  ['several ranges', { headers: { Range: 'bytes=0-1,5-6' } }],
  ['a range that is none', { headers: { Range: 'bytes=9999999-' } }],
  ['a range that cannot be read', { headers: { Range: 'rows=1-2' } }],
  ['a range, if it is the same', { headers: { Range: 'bytes=0-9', 'If-Range': '"SIZE"' } }],
  ['a range, if it is another', { headers: { Range: 'bytes=0-9', 'If-Range': '"other"' } }],
  ['a range of what has not changed', { headers: { Range: 'bytes=0-9', 'If-None-Match': '"SIZE"' } }],
  ['a range of a HEAD', { method: 'HEAD', headers: { Range: 'bytes=0-9' } }],
]

describe.each([
  ['small, whole in memory', SMALL],
  ['large, in pieces', LARGE],
])('a stored body that is %s', (_, size) => {
  test('gives the same answers, on a connection that stays open and on one that does not', async () => {
    const origin = await startPatternOrigin()
    closeLater(() => origin.stop())
    const proxy = await startInProcessProxy({ origin: origin.url })
    closeLater(() => proxy.close())
    // One connection for all: an answer with a byte too many or too few would spoil the next.
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    closeLater(async () => agent.destroy())
    const path = `/${size}`
    expect(await ask(proxy.port, path, {})).toMatchObject({ bytes: size, digest: patternDigest(size) })
    for (const [name, { method = 'GET', headers = {} }] of requests) {
      const own = Object.entries(headers).map(([field, value]) => [
        field,
        String(value).replace('SIZE', String(size)),
      ])
      const options = { method, headers: Object.fromEntries(own) as Record<string, string> }
      const ordinary = await ask(proxy.port, path, { ...options, agent: false })
      // Twice: the first one may render, or fetch the pieces, the second has them.
      for (const time of ['first', 'second']) {
        const kept = await ask(proxy.port, path, { ...options, agent })
        expect({ name, time, ...kept }).toEqual({ name, time, ...ordinary })
      }
    }
    expect(origin.requests).toBe(1)
  })
})

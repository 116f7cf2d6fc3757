import { mkdtemp, rm } from 'node:fs/promises'
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { closeAll, listen, onClose, openStrata, until } from '../../support/mounted-strata.js'

/** The pieces of a large body are read into memory that is used again: no client may get a byte of a later piece for it. */

const CHUNK = 262_144
const SIZE = 24 * CHUNK + 12_345
/** No two chunks of it have an equal block. */
const BODY = Buffer.alloc(SIZE)
for (let i = 0; i + 4 <= SIZE; i += 4) BODY.writeUInt32LE(i, i)

afterEach(async () => {
  jest.restoreAllMocks()
  await closeAll()
})

/** An app with a large stored answer behind `strata.handler`, itself behind `before`. */
async function mount(before: (req: IncomingMessage, res: ServerResponse) => void = () => {}) {
  const dataDir = await mkdtemp(join(tmpdir(), 'strata-large-'))
  onClose(() => rm(dataDir, { recursive: true }))
  const strata = await openStrata({ backend: 'embedded', dataDir })
  const app: RequestListener = (_req, res) => {
    res.writeHead(200, { 'Cache-Control': 'max-age=600', 'Content-Length': SIZE })
    res.end(BODY)
  }
  const cached = strata.handler(app)
  const port = await listen((req, res) => {
    before(req, res)
    cached(req, res)
  })
  await until('the answer is stored', async () => (await get(port)).result === 'HIT')
  return port
}

interface Got {
  readonly result: string | undefined
  readonly body: Buffer
}

async function get(port: number, fields: http.OutgoingHttpHeaders = {}, turnsBetween = 0): Promise<Got> {
  const request = http.get({ host: '127.0.0.1', port, path: '/x', headers: fields, agent: false })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const pieces: Buffer[] = []
  for await (const piece of response as AsyncIterable<Buffer>) {
    pieces.push(piece)
    for (let i = 0; i < turnsBetween; i++) await nextTurn()
  }
  return { result: response.headers['x-cache'] as string | undefined, body: Buffer.concat(pieces) }
}

/** How often memory for a whole piece has been made. */
function countPieces(): () => number {
  const made = jest.spyOn(Buffer, 'allocUnsafeSlow')
  return () => made.mock.calls.filter(([bytes]) => bytes === CHUNK).length
}

describe('hits of a large body', () => {
  test('use little memory again and again, and come whole', async () => {
    const port = await mount()
    const pieces = countPieces()
    const { result, body } = await get(port)
    expect(result).toBe('HIT')
    expect(body.equals(BODY)).toBe(true)
    expect(pieces()).toBeLessThanOrEqual(4)
  })

  test('to many clients at once, some of which are slow', async () => {
    const port = await mount()
    const all = await Promise.all(Array.from({ length: 12 }, (_, i) => get(port, {}, i % 3 === 0 ? 20 : 0)))
    for (const { result, body } of all) {
      expect(result).toBe('HIT')
      expect(body.equals(BODY)).toBe(true)
    }
  })

  test.each([
    [3 * CHUNK - 100, 20 * CHUNK + 5],
    [7, SIZE - 1],
    [CHUNK * 2 - 1, CHUNK * 9],
  ])('a range from %i to %i', async (first, last) => {
    const port = await mount()
    const { body } = await get(port, { Range: `bytes=${first}-${last}` })
    expect(body.equals(BODY.subarray(first, last + 1))).toBe(true)
  })

  test('asked for in a row on one connection, before the first has come', async () => {
    const port = await mount()
    const socket = connect(port, '127.0.0.1')
    const pieces: Buffer[] = []
    const ask = (close: boolean) =>
      `GET /x HTTP/1.1\r\nHost: a\r\n${close ? 'Connection: close\r\n' : ''}\r\n`
    socket.write(ask(false) + ask(false) + ask(true))
    for await (const piece of socket as AsyncIterable<Buffer>) pieces.push(piece)
    let rest = Buffer.concat(pieces)
    for (let i = 0; i < 3; i++) {
      const at = rest.indexOf('\r\n\r\n') + 4
      expect(rest.subarray(at, at + SIZE).equals(BODY)).toBe(true)
      rest = rest.subarray(at + SIZE)
    }
    expect(rest).toHaveLength(0)
  })

  test('who stands between may keep what passes for as long as it likes', async () => {
    const kept: Buffer[] = []
    const port = await mount((req, res) => {
      if (req.headers['x-keep'] === undefined) return
      const write = res.write.bind(res) as (...args: unknown[]) => boolean
      res.write = ((...args: unknown[]) => {
        kept.push(args[0] as Buffer)
        return write(...args)
      }) as ServerResponse['write']
    })
    const pieces = countPieces()
    const { result, body } = await get(port, { 'X-Keep': '1' })
    expect(result).toBe('HIT')
    expect(body.equals(BODY)).toBe(true)
    expect(Buffer.concat(kept).equals(BODY.subarray(0, Buffer.concat(kept).length))).toBe(true)
    expect(Buffer.concat(kept).length).toBeGreaterThanOrEqual(24 * CHUNK)
    expect(pieces()).toBe(24)
  })
})

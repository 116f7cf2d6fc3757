import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from '@jest/globals'
import { pino, type Logger } from 'pino'
import { requestLogger } from '../../../src/server/request-logger.js'

type Line = Readonly<Record<string, unknown>> & {
  readonly req?: Readonly<Record<string, unknown>>
  readonly cache?: unknown
}
type Logged = (IncomingMessage | ServerResponse) & { log: Logger }

describe('the line of a request', () => {
  let stop: (() => void) | undefined
  afterEach(() => stop?.())

  /** Answers one request and gives the lines that were written meanwhile. */
  const linesOf = async (listener: RequestListener, log?: (to: { write(line: string): void }) => Logger) => {
    const lines: Line[] = []
    let last!: () => void
    const over = new Promise<void>(resolve => (last = resolve))
    const to = {
      write: (text: string) => {
        const line = JSON.parse(text) as Line
        lines.push(line)
        if (line.responseTime !== undefined) last()
      },
    }
    const write = requestLogger(log?.(to) ?? pino({}, to))
    const server = createServer((req, res) => {
      write(req, res)
      listener(req, res)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    stop = () => server.close()
    const { port } = server.address() as AddressInfo
    const request = get({ port, host: '127.0.0.1', path: '/a?b=c', headers: { 'X-Request-Id': 'id-1' } })
    request.on('error', () => undefined)
    request.on('response', res => res.resume())
    await over
    await new Promise(resolve => server.close(resolve))
    return lines
  }

  test('says who asked for what, as it came, also where a router has changed the URL', async () => {
    const [line, ...more] = await linesOf((req, res) => {
      req.url = '/changed'
      res.end('x')
    })
    expect(more).toEqual([])
    expect(line).toMatchObject({
      level: 30,
      msg: 'request completed',
      reqId: 'id-1',
      req: { id: 'id-1', method: 'GET', url: '/a?b=c', remoteAddress: '127.0.0.1' },
      res: { statusCode: 200 },
      responseTime: expect.any(Number) as unknown,
    })
  })

  test('says so of a request whose connection went before the answer, too', async () => {
    const [line] = await linesOf((req, res) => {
      req.socket.destroy()
      res.end()
    })
    expect(line).toMatchObject({ msg: 'request aborted', req: { url: '/a?b=c', remoteAddress: '127.0.0.1' } })
  })

  test('says it as a warning for a 500, without a text of the logger’s own', async () => {
    const [line] = await linesOf((_req, res) => void res.writeHead(500).end())
    expect(line).toMatchObject({ level: 40, msg: 'request failed with 500', res: { statusCode: 500 } })
    expect(line).not.toHaveProperty('err')
  })

  test('the loggers of a request and a response carry its ID, and are pino’s in all else', async () => {
    const lines = await linesOf(
      (req, res) => {
        ;(req as Logged).log.info({ a: 1 }, 'of the request')
        ;(res as unknown as Logged).log.info('of the response')
        const child = (req as Logged).log.child({ part: 'p' }, { level: 'error' })
        child.info('not said')
        child.error({ err: new Error('no') }, 'of a child')
        res.end()
      },
      to => pino({ base: { service: 's' }, redact: ['a'] }, to),
    )
    expect(lines).toMatchObject([
      { msg: 'of the request', reqId: 'id-1', service: 's', a: '[Redacted]' },
      { msg: 'of the response', reqId: 'id-1' },
      { msg: 'of a child', reqId: 'id-1', part: 'p', err: { message: 'no' } },
      { msg: 'request completed', reqId: 'id-1', service: 's' },
    ])
  })
})

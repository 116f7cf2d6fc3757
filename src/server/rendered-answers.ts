import { ServerResponse, type IncomingMessage } from 'node:http'
import { Writable } from 'node:stream'
import type { RenderedAnswers } from '../engine/exchange.js'

/**
 * What node:http itself sets on a response once its head is made (`_header`), and once that is out (`_headerSent`), in every version
 * from 0.x to 26; `_hasBody` is false for a HEAD. A response for which both are set sends what is written to it, and nothing else.
 */
type Internals = ServerResponse & {
  _header: string | null
  _headerSent: boolean
  _hasBody: boolean
  _keepAliveTimeout: number
}

type Body = Parameters<RenderedAnswers['send']>[2]

const INVALID = /[^\t\x20-\x7e\x80-\xff]/

/** Heads as bytes: rendered once, sent many times. */
export class NodeRenderedAnswers implements RenderedAnswers {
  constructor(private readonly res: ServerResponse) {}

  render(status: number, reason: string, fields: readonly string[]): Buffer | undefined {
    let text = `HTTP/1.1 ${status} ${reason}\r\n`
    for (let i = 0; i + 1 < fields.length; i += 2) {
      if (INVALID.test(fields[i + 1]!)) return undefined
      text += `${fields[i]!}: ${fields[i + 1]!}\r\n`
    }
    const seconds = Math.floor((this.res as Internals)._keepAliveTimeout / 1000)
    const keepAlive = seconds > 0 ? `Keep-Alive: timeout=${seconds}\r\n` : ''
    return Buffer.from(`${text}Connection: keep-alive\r\n${keepAlive}\r\n`, 'latin1')
  }

  /** For a connection that stays open, and a response that nobody has set fields on or wrapped. */
  send(status: number, head: Buffer, body: Body): boolean {
    const res = this.res as Internals
    const { req } = res
    if (!WORKS || !res.shouldKeepAlive || req.httpVersionMinor !== 1 || req.httpVersionMajor !== 1)
      return false
    if (res._header !== null || res.writeHead !== ServerResponse.prototype.writeHead) return false
    if (res.write !== ServerResponse.prototype.write || res.getHeaderNames().length > 0) return false
    res.statusCode = status
    sendBytes(res, head, body)
    return true
  }
}

/**
 * Written whole before `end`, which then has nothing to wait for where the connection took all of it: `end` with a body would write an
 * empty string behind it, and no more than the buffers would have to be copied for that.
 */
function sendBytes(res: Internals, head: Buffer, body: Body): void {
  res._header = 'rendered'
  res._headerSent = true
  // To a HEAD, node would drop all that is written, the head as well.
  res._hasBody = true
  res.cork()
  res.write(head)
  if (Buffer.isBuffer(body)) res.write(body)
  else if (body !== undefined) for (const piece of body) res.write(piece)
  res.uncork()
  res.end()
}

/** Tried out once, when this file is loaded: should a version of node do it otherwise, answers are made in the ordinary way. */
const WORKS =
  tryOut('GET', Buffer.from('body'), 'head\r\n\r\nbody') && tryOut('HEAD', undefined, 'head\r\n\r\n')

function tryOut(method: string, body: Buffer | undefined, expected: string): boolean {
  const sent: Buffer[] = []
  const socket = new Writable({
    write(chunk: Buffer, _encoding, done) {
      sent.push(chunk)
      done()
    },
  })
  const res = new ServerResponse({ method, httpVersionMajor: 1, httpVersionMinor: 1 } as IncomingMessage)
  const internals = res as Internals
  try {
    if (internals._header !== null || internals._headerSent !== false) return false
    res.assignSocket(socket as never)
    sendBytes(internals, Buffer.from('head\r\n\r\n'), body)
    return Buffer.concat(sent).toString() === expected && res.writableFinished
  } catch {
    // The ordinary way always works: there is nothing to tell.
    return false
  }
}

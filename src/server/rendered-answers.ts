import { ServerResponse, type IncomingMessage } from 'node:http'
import { Writable } from 'node:stream'
import type { RenderedAnswers, RenderedHead } from '../engine/exchange.js'
import type { NodeResponder } from './node-responder.js'

/**
 * What node:http itself sets on a response once its head is made (`_header`), and once that is out (`_headerSent`), in every version
 * from 0.x to 26; `_hasBody` is false for a HEAD, `_last` true where the connection ends with this answer. A response for which the
 * first two are set sends what is written to it, and nothing else.
 */
type Internals = ServerResponse & {
  _header: string | null
  _headerSent: boolean
  _hasBody: boolean
  _last: boolean
  _removedConnection: boolean
  _keepAliveTimeout: number
  /** The server's `maxRequestsPerSocket`; 0: any number. */
  _maxRequestsPerSocket: number | undefined
  /** Documented for requests alone, and there for both. */
  getRawHeaderNames(): string[]
  _writeRaw(bytes: Buffer): boolean
}

type Body = Parameters<RenderedAnswers['send']>[1]

const INVALID = /[^\t\x20-\x7e\x80-\xff]/

/** Heads as bytes, of a response that nobody has had before us. */
export class FirstHeads implements RenderedAnswers {
  constructor(private readonly res: ServerResponse) {}

  render(status: number, reason: string, fields: readonly string[]): RenderedHead | undefined {
    let text = `HTTP/1.1 ${status} ${reason}\r\n`
    for (let i = 0; i + 1 < fields.length; i += 2) {
      if (INVALID.test(fields[i + 1]!)) return undefined
      text += `${fields[i]!}: ${fields[i + 1]!}\r\n`
    }
    const seconds = Math.floor((this.res as Internals)._keepAliveTimeout / 1000)
    const keepAlive = seconds > 0 ? `Keep-Alive: timeout=${seconds}\r\n` : ''
    const bytes = Buffer.from(`${text}Connection: keep-alive\r\n${keepAlive}\r\n`, 'latin1')
    return new Head(status, reason, undefined, '', bytes)
  }

  /** For a connection that stays open, and a response that nobody has set fields on or wrapped. */
  send(head: Head, body: Body): boolean {
    const res = this.res as Internals
    if (head.bytes === undefined || head.fields !== undefined || !mayBeRendered(res)) return false
    if (res.getHeaderNames().length > 0) return false
    sendBytes(res, head.status, head.bytes, body)
    return true
  }
}

/**
 * The same where the response has come through the hands of other middleware, which may have set fields. What becomes of those beside
 * ours is for `NodeResponder.head` alone to know: the head that it has made of them serves for the next response with the very same.
 */
export class LaterHeads implements RenderedAnswers {
  constructor(
    private readonly res: ServerResponse,
    private readonly responder: NodeResponder,
  ) {}

  render(status: number, reason: string, fields: readonly string[]): RenderedHead | undefined {
    // Without a Date node would put in that of now, and what changes with time can't be kept.
    return fields.some(isDate) ? new Head(status, reason, fields, '', undefined) : undefined
  }

  /** … and that nobody watches: who looks at the fields of a response when it is out finds those that we had set one by one. */
  send(head: Head, body: Body): boolean {
    const res = this.res as Internals
    if (head.fields === undefined || !mayBeRendered(res) || res._removedConnection || isWatched(res))
      return false
    const earlier = earlierFields(res)
    if (head.bytes === undefined || head.earlier !== earlier)
      return this.#make(head, head.fields, earlier, body)
    sendBytes(res, head.status, head.bytes, body)
    return true
  }

  /** Where each request has fields of its own (an id), nothing is kept: no head would serve twice. */
  #make(head: Head, fields: readonly string[], earlier: string, body: Body): boolean {
    const comesAgain = earlier === lastEarlier
    lastEarlier = earlier
    if (!comesAgain) return false
    const { responder } = this
    const res = this.res as Internals
    responder.head(head.status, head.reason, [...fields])
    if (res._header !== null && !res._last && res.shouldKeepAlive && !res.chunkedEncoding) {
      head.earlier = earlier
      head.bytes = Buffer.from(res._header, 'latin1')
    }
    if (body === undefined || Buffer.isBuffer(body)) responder.end(body)
    else {
      for (const piece of body) responder.write(piece)
      responder.end()
    }
    return true
  }
}

/** What had been set on the last response that had to be made anew. */
let lastEarlier: string | undefined

class Head implements RenderedHead {
  constructor(
    readonly status: number,
    readonly reason: string,
    /** What a {@link LaterHeads} makes it of. */
    readonly fields: readonly string[] | undefined,
    /** The fields that had been set before ours, as text. */
    public earlier: string,
    public bytes: Buffer | undefined,
  ) {}
}

function isDate(text: string, i: number): boolean {
  return i % 2 === 0 && text.length === 4 && text.toLowerCase() === 'date'
}

function mayBeRendered(res: Internals): boolean {
  const { req } = res
  if (!WORKS || !res.shouldKeepAlive || req.httpVersionMinor !== 1 || req.httpVersionMajor !== 1) return false
  // Where requests of a connection are counted, each head says how many, and the last one that it ends.
  if ((res._maxRequestsPerSocket ?? 0) > 0) return false
  const { writeHead, write, end } = ServerResponse.prototype
  return res._header === null && res.writeHead === writeHead && res.write === write && res.end === end
}

/** Somebody waits for an event of it, beside node, which waits for the end. */
function isWatched(res: ServerResponse): boolean {
  return res.eventNames().length > 1 || res.listenerCount('finish') > 1
}

/** One text for one list of lines: no name has a colon, and no value a line end. */
function earlierFields(res: Internals): string {
  const names = res.getRawHeaderNames()
  if (names.length === 0) return ''
  const values = res.getHeaders()
  let text = ''
  let i = 0
  // Both in the order in which they were set.
  for (const name in values) {
    const value = values[name]
    text += `${names[i++]!}:${Array.isArray(value) ? value.join('\r') : String(value)}\n`
  }
  return text
}

/**
 * Written whole before `end`, which then has nothing to wait for where the connection took all of it: `end` with a body would write an
 * empty string behind it, and no more than the buffers would have to be copied for that.
 */
function sendBytes(res: Internals, status: number, head: Buffer, body: Body): void {
  res.statusCode = status
  res._header = 'rendered'
  res._headerSent = true
  // To a HEAD, node would drop all that is written, the head as well.
  res._hasBody = true
  if (body === undefined) {
    // In its place in the pipeline, and alone: nothing to gather.
    res._writeRaw(head)
  } else {
    res.cork()
    res.write(head)
    if (Buffer.isBuffer(body)) res.write(body)
    else for (const piece of body) res.write(piece)
    res.uncork()
  }
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
    if (internals._header !== null || internals._headerSent !== false || internals._last !== false)
      return false
    if (internals._removedConnection !== false || internals.getRawHeaderNames().length > 0) return false
    res.assignSocket(socket as never)
    sendBytes(internals, 200, Buffer.from('head\r\n\r\n'), body)
    return Buffer.concat(sent).toString() === expected && res.writableEnded && res.writableLength === 0
  } catch {
    // The ordinary way always works: there is nothing to tell.
    return false
  }
}

import { ServerResponse, STATUS_CODES, type OutgoingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import type { StrataError } from '../errors.js'
import type { RenderedAnswers, Responder } from '../engine/exchange.js'
import { problemOf } from './problem.js'
import { FirstHeads, LaterHeads } from './rendered-answers.js'

/** The methods of a response that send: the response's own, or those that a captured response had before. */
export type SendMethods = Pick<ServerResponse, 'writeHead' | 'write' | 'end' | 'on' | 'destroy'> & {
  /** Runs with the client's view of a captured response. */
  readonly asClient?: <R>(run: () => R) => R
}

type WriteHead = (this: ServerResponse, status: number, reason: string, fields?: string[]) => ServerResponse

/** The client's side of an exchange on node:http. */
export class NodeResponder implements Responder {
  #ended = false
  #headSent = false
  #begun = false
  #earlier: OutgoingHttpHeaders | undefined

  constructor(
    readonly res: ServerResponse,
    /** Nobody has had the response before us, and nobody watches what is done to it. */
    private readonly isFirst = false,
    /** Set when the response is captured. */
    public methods: SendMethods = res,
  ) {}

  get rendered(): RenderedAnswers | undefined {
    if (this.methods !== this.res || this.#headSent) return undefined
    return this.isFirst ? new FirstHeads(this.res) : new LaterHeads(this.res, this)
  }

  get headSent(): boolean {
    return this.#headSent
  }

  get closed(): boolean {
    if (this.#ended) return true
    return this.methods.asClient === undefined ? this.res.destroyed : this.#asClient(() => this.res.destroyed)
  }

  /** The answer is out, as far as it is ours to send. */
  get ended(): boolean {
    return this.#ended
  }

  /** Fields that were set before the head was sent. */
  get earlier(): OutgoingHttpHeaders {
    if (this.#earlier !== undefined) return this.#earlier
    return this.#headSent ? {} : this.res.getHeaders()
  }

  head(status: number, reason: string, fields: string[]): void {
    this.#headSent = true
    this.#asClient(() => this.#sendHead(status, reason, fields))
    process.nextTick(flushHead, this)
  }

  /** node keeps the head back until something of the body comes: of an event stream that may be long after. */
  flushHead(): void {
    if (this.#begun || this.closed) return
    this.#asClient(() => this.res.flushHeaders())
  }

  #asClient<R>(run: () => R): R {
    const { asClient } = this.methods
    return asClient === undefined ? run() : asClient(run)
  }

  #sendHead(status: number, reason: string, fields: string[]): void {
    const { res, methods } = this
    const writeHead = methods.writeHead as WriteHead
    const isPlain = writeHead === ServerResponse.prototype.writeHead
    if (isPlain && res.getHeaderNames().length === 0) return void writeHead.call(res, status, reason, fields)
    // Middleware before us has set fields, or (compression, on-headers) looks at them when the head goes out: node would let the
    // last line of a field stand for all, and not all others can read a flat list.
    this.#earlier = { ...res.getHeaders() }
    const seen = new Set<string>()
    for (let i = 0; i + 1 < fields.length; i += 2) {
      const name = fields[i]!
      const lower = name.toLowerCase()
      if (seen.has(lower) || ADDED_TO.has(lower)) addField(res, name, fields[i + 1]!)
      else res.setHeader(name, fields[i + 1]!)
      seen.add(lower)
    }
    writeHead.call(res, status, reason)
  }

  write(chunk: Buffer): boolean {
    this.#begun = true
    return this.#asClient(() => this.methods.write.call(this.res, chunk, 'utf8', undefined))
  }

  end(chunk?: Buffer): void {
    if (this.closed) return
    this.#ended = true
    this.#asClient(() => this.methods.end.call(this.res, chunk, 'utf8', undefined))
  }

  fail(error: StrataError, fields: string[]): void {
    if (this.closed) return
    if (this.#headSent) {
      this.#ended = true
      this.#cut()
      return
    }
    const problem = problemOf(error)
    this.head(problem.status, STATUS_CODES[problem.status] ?? '', [...problem.fields, ...fields])
    this.end(this.res.req?.method === 'HEAD' ? undefined : problem.body)
  }

  /** Where nothing but the close tells the end (HTTP/1.0, as nginx speaks it to its upstreams), only a reset is seen as a cut. */
  #cut(): void {
    this.#asClient(() => {
      if (this.res.req?.httpVersion === '1.0') markForReset(this.res.socket)
      this.methods.destroy.call(this.res)
    })
  }

  interim(status: number, fields: readonly string[]): void {
    if (this.#headSent || this.closed) return
    // A 100 is the server's own business. node's writeEarlyHints takes only those with a Link; any other is passed as it came.
    if (status <= 101 || this.res.req?.httpVersion === '1.0') return
    let text = `HTTP/1.1 ${status} ${REASONS[status] ?? ''}\r\n`
    for (let i = 0; i + 1 < fields.length; i += 2) text += `${fields[i]!}: ${fields[i + 1]!}\r\n`
    this.#asClient(() => writeRaw(this.res, `${text}\r\n`))
  }

  /** Whoever stands between us and the socket (compression, a recorder) may hold the bytes for longer. */
  get releasesOnDrain(): boolean {
    return this.isFirst && this.methods === this.res && this.methods.write === ServerResponse.prototype.write
  }

  onDrain(listener: () => void): void {
    this.methods.on.call(this.res, 'drain', listener)
  }

  onClose(listener: () => void): void {
    this.methods.on.call(this.res, 'close', listener)
  }
}

function flushHead(responder: NodeResponder): void {
  responder.flushHead()
}

/** Fields of which this client's own lines stay beside those of the response. */
const ADDED_TO: ReadonlySet<string> = new Set(['set-cookie', 'vary'])

function addField(res: ServerResponse, name: string, value: string): void {
  if (name.toLowerCase() !== 'vary') return void res.appendHeader(name, value)
  const before = res.getHeader(name)
  const lines = before === undefined ? [] : Array.isArray(before) ? before : [String(before)]
  const known = new Set(lines.flatMap(line => itemsOf(line.toLowerCase())))
  const added = itemsOf(value).filter(item => !known.has(item.toLowerCase()))
  if (added.length > 0) res.setHeader(name, [...lines, ...added].join(', '))
}

/** A split by what may be blanks takes time by their square. */
function itemsOf(list: string): string[] {
  return list.split(',').map(item => item.trim())
}

const REASONS: Readonly<Record<number, string>> = { 102: 'Processing', 103: 'Early Hints' }

/** What `writeProcessing` and `writeEarlyHints` use themselves: bytes in the response's place in the pipeline. */
function writeRaw(res: ServerResponse, text: string): void {
  ;(res as ServerResponse & { _writeRaw(text: string, encoding: BufferEncoding): void })._writeRaw(
    text,
    'latin1',
  )
}

/** `resetAndDestroy` would end the connection in good order first, and reset it after that: this is what it sets itself. */
function markForReset(socket: Socket | null): void {
  if (socket !== null && !('encrypted' in socket))
    (socket as Socket & { resetAndClosing: boolean }).resetAndClosing = true
}

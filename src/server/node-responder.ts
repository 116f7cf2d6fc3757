import { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { StrataError } from '../errors.js'
import type { Responder } from '../engine/exchange.js'
import { problemOf } from './problem.js'

/** The methods of a response that send: the response's own, or those that a captured response had before. */
export type SendMethods = Pick<ServerResponse, 'writeHead' | 'write' | 'end' | 'on'> & {
  /** Runs with the client's view of the header methods. */
  readonly asClient?: (run: () => void) => void
}

type WriteHead = (this: ServerResponse, status: number, reason: string, fields?: string[]) => ServerResponse

/** The client's side of an exchange on node:http. */
export class NodeResponder implements Responder {
  #ended = false
  #headSent = false

  constructor(
    readonly res: ServerResponse,
    /** Set when the response is captured. */
    public methods: SendMethods = res,
  ) {}

  get headSent(): boolean {
    return this.#headSent
  }

  get closed(): boolean {
    return this.res.destroyed || this.#ended
  }

  head(status: number, reason: string, fields: string[]): void {
    this.#headSent = true
    const { asClient } = this.methods
    if (asClient === undefined) this.#sendHead(status, reason, fields)
    else asClient(() => this.#sendHead(status, reason, fields))
  }

  #sendHead(status: number, reason: string, fields: string[]): void {
    const { res, methods } = this
    if (methods.writeHead === ServerResponse.prototype.writeHead) {
      const writeHead = methods.writeHead as WriteHead
      writeHead.call(res, status, reason, fields)
      return
    }
    // Somebody before us (compression, on-headers) looks at the fields when the head goes out, and not all of them can read a
    // flat list.
    const names = new Set<string>()
    for (let i = 0; i < fields.length; i += 2) names.add(fields[i]!.toLowerCase())
    for (const name of names) res.removeHeader(name)
    for (let i = 0; i < fields.length; i += 2) res.appendHeader(fields[i]!, fields[i + 1]!)
    const writeHead = methods.writeHead as WriteHead
    writeHead.call(res, status, reason)
  }

  write(chunk: Buffer): boolean {
    return this.methods.write.call(this.res, chunk, 'utf8', undefined)
  }

  end(chunk?: Buffer): void {
    if (this.closed) return
    this.#ended = true
    if (chunk === undefined) this.methods.end.call(this.res, undefined, 'utf8', undefined)
    else this.methods.end.call(this.res, chunk, 'utf8', undefined)
  }

  fail(error: StrataError, fields: string[]): void {
    if (this.closed) return
    if (this.#headSent) {
      this.#ended = true
      this.#cut()
      return
    }
    const problem = problemOf(error)
    this.head(problem.status, '', [...problem.fields, ...fields])
    this.end(this.res.req?.method === 'HEAD' ? undefined : problem.body)
  }

  /** Where nothing but the close tells the end (HTTP/1.0, as nginx speaks it to its upstreams), only a reset is seen as a cut. */
  #cut(): void {
    if (this.res.req?.httpVersion === '1.0') markForReset(this.res.socket)
    this.res.destroy()
  }

  interim(status: number, fields: readonly string[]): void {
    if (this.#headSent || this.res.destroyed) return
    // A 100 is the server's own business. node's writeEarlyHints takes only those with a Link; any other is passed as it came.
    if (status <= 101 || this.res.req?.httpVersion === '1.0') return
    let text = `HTTP/1.1 ${status} ${REASONS[status] ?? ''}\r\n`
    for (let i = 0; i + 1 < fields.length; i += 2) text += `${fields[i]!}: ${fields[i + 1]!}\r\n`
    writeRaw(this.res, `${text}\r\n`)
  }

  onDrain(listener: () => void): void {
    this.methods.on.call(this.res, 'drain', listener)
  }

  onClose(listener: () => void): void {
    this.methods.on.call(this.res, 'close', listener)
  }
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

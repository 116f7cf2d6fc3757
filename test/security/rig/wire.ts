import { connect, type Socket } from 'node:net'

/** Bytes to a port, and what came back until the other side closed, or `enough` of it was there. `halfClose`: no more bytes follow. */
export async function send(
  port: number,
  bytes: string | Buffer,
  enough: (received: string) => boolean = () => false,
  { halfClose = false } = {},
): Promise<string> {
  return new Promise(resolve => {
    let received = ''
    const socket: Socket = connect(port, '127.0.0.1')
    socket.on('data', data => {
      received += data.toString('latin1')
      if (enough(received)) socket.destroy()
    })
    // A refusal may come as a reset: what came before it is what a client sees.
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(received))
    const all = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
    if (halfClose) socket.end(all)
    else socket.write(all)
  })
}

export type Field = readonly [name: string, value: string]

export interface Ask {
  readonly method?: string
  readonly target: string
  readonly host?: string
  readonly fields?: readonly Field[]
  readonly body?: string
}

export interface Answer {
  readonly status: number
  readonly fields: readonly Field[]
  readonly body: string
  field(name: string): string | undefined
}

export const SITE = 'site.example'

/** One request as bytes, `Connection: close`. */
export function bytesOf({ method = 'GET', target, host = SITE, fields = [], body }: Ask): string {
  const lines = [`${method} ${target} HTTP/1.1`, `Host: ${host}`]
  for (const [name, value] of fields) lines.push(`${name}: ${value}`)
  if (!fields.some(([name]) => name.toLowerCase() === 'connection')) lines.push('Connection: close')
  if (body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(body)}`)
  return `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`
}

/** A request on a connection of its own. */
export async function ask(port: number, request: Ask): Promise<Answer> {
  // Where an attack names other options of the connection, the end of the message is its end.
  const isOpen = request.fields?.some(([name]) => name.toLowerCase() === 'connection') === true
  return answerIn(await send(port, bytesOf(request), text => isOpen && isWhole(text)))
}

/** The first final response in what was received; status 0 when there is none. */
export function answerIn(received: string): Answer {
  let rest = received
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(rest)?.[1] ?? 0)
    if (end === -1 || status === 0) return { status: 0, fields: [], body: received, field: () => undefined }
    const fields = rest
      .slice(0, end)
      .split('\r\n')
      .slice(1)
      .map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const)
    rest = rest.slice(end + 4)
    if (status < 200) continue
    const field = (name: string) => fields.find(([n]) => n.toLowerCase() === name)?.[1]
    const chunked = field('transfer-encoding') === 'chunked'
    return { status, fields, body: chunked ? unchunked(rest) : rest, field }
  }
}

/** A whole response is there. */
export function isWhole(received: string): boolean {
  const { status, field, body } = answerIn(received)
  if (status === 0) return false
  const length = field('content-length')
  if (length !== undefined) return body.length >= Number(length)
  return /\r\n0\r\n\r\n/.test(received) || status === 204 || status === 304
}

function unchunked(text: string): string {
  let out = ''
  for (let at = 0; ;) {
    const end = text.indexOf('\r\n', at)
    const size = Number.parseInt(text.slice(at, end), 16)
    if (end === -1 || !(size > 0)) return out
    out += text.slice(end + 2, end + 2 + size)
    at = end + 4 + size
  }
}

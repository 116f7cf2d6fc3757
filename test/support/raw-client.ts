import { connect } from 'node:net'

export interface RawRequest {
  readonly port: number
  readonly method?: string
  readonly target: string
  /** Sent as they stand here, in this order; Host and Connection: close are put before them. */
  readonly fields?: readonly (readonly [string, string])[]
  readonly body?: string
  /** Called with all that has come so far, each time something comes. */
  readonly onData?: (received: string) => void
}

export interface RawHead {
  readonly status: number
  /** Name, value, name, value, … as received. */
  readonly rawFields: readonly string[]
}

export interface RawResponse extends RawHead {
  /** The 1xx responses before the final one. */
  readonly interim: readonly RawHead[]
  readonly body: Buffer
  /** Whether the message ended as its framing says; false when the connection was closed before. */
  readonly complete: boolean
  /** All values of a field, in their order. `name` in any case. */
  values(name: string): string[]
  /** The field's lines joined by ", ", or undefined. */
  field(name: string): string | undefined
}

/** One request on a connection of its own, written and read byte by byte, so that nothing is hidden or put right. */
export async function rawRequest({
  port,
  method = 'GET',
  target,
  fields = [],
  body,
  onData,
}: RawRequest): Promise<RawResponse> {
  const lines = [`${method} ${target} HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'Connection: close']
  for (const [name, value] of fields) lines.push(`${name}: ${value}`)
  if (body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(body)}`)
  const bytes = await exchange(port, `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`, onData)
  return parse(bytes, method)
}

/** All that comes until the other side closes; a reset counts as that, since what came before it is what a client sees. */
function exchange(port: number, request: string, onData?: (received: string) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1', () => socket.write(request, 'latin1'))
    socket.on('data', chunk => {
      chunks.push(chunk)
      onData?.(Buffer.concat(chunks).toString('latin1'))
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET') reject(error)
    })
    socket.on('close', () => resolve(Buffer.concat(chunks)))
  })
}

function parse(bytes: Buffer, method: string): RawResponse {
  const interim: RawHead[] = []
  let rest = bytes
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0)
      throw new Error(
        `the connection was closed before a final response: ${JSON.stringify(rest.toString('latin1'))}`,
      )
    const head = parseHead(rest.subarray(0, end).toString('latin1'))
    rest = rest.subarray(end + 4)
    if (head.status < 200) {
      interim.push(head)
      continue
    }
    const values = (name: string): string[] => valuesOf(head.rawFields, name)
    const field = (name: string): string | undefined => {
      const all = values(name)
      return all.length === 0 ? undefined : all.join(', ')
    }
    return { ...head, interim, values, field, ...readBody(rest, head, method, field) }
  }
}

function parseHead(text: string): RawHead {
  const [first = '', ...lines] = text.split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3}) ?/.exec(first)?.[1])
  if (Number.isNaN(status)) throw new Error(`no status line: ${first}`)
  const rawFields = lines.flatMap(line => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
  return { status, rawFields }
}

function valuesOf(rawFields: readonly string[], name: string): string[] {
  return rawFields.filter((_, i) => i % 2 === 1 && rawFields[i - 1]!.toLowerCase() === name.toLowerCase())
}

/** RFC 9112 §6.3. */
function readBody(
  rest: Buffer,
  { status }: RawHead,
  method: string,
  field: (name: string) => string | undefined,
): { body: Buffer; complete: boolean } {
  if (method === 'HEAD' || status === 204 || status === 304)
    return { body: rest, complete: rest.length === 0 }
  if (/chunked/i.test(field('transfer-encoding') ?? '')) return readChunks(rest)
  const length = field('content-length')
  if (length === undefined) return { body: rest, complete: true }
  return { body: rest, complete: rest.length === Number(length) }
}

function readChunks(rest: Buffer): { body: Buffer; complete: boolean } {
  const chunks: Buffer[] = []
  for (let at = 0; ;) {
    const end = rest.indexOf('\r\n', at)
    if (end < 0) return { body: Buffer.concat(chunks), complete: false }
    const size = Number.parseInt(rest.subarray(at, end).toString('latin1'), 16)
    if (size === 0) return { body: Buffer.concat(chunks), complete: rest.indexOf('\r\n', end + 2) >= 0 }
    const chunk = rest.subarray(end + 2, end + 2 + size)
    chunks.push(chunk)
    if (chunk.length < size) return { body: Buffer.concat(chunks), complete: false }
    at = end + 2 + size + 2
  }
}

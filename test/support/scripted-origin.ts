import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the origin does for one request. Fields are sent as they stand here, in this order; nothing is added but framing. */
export interface ScriptedResponse {
  readonly status?: number
  readonly fields?: readonly (readonly [string, string])[]
  readonly body?: string | Buffer
  /** Interim responses before the final one: 102, or 103 with its fields. */
  readonly interim?: readonly (readonly [102 | 103, Readonly<Record<string, string>>?])[]
  /** The final response begins when this is resolved; interim ones come before. */
  readonly after?: Promise<unknown>
  /** The connection is destroyed: before the first byte, after the head, or after the body but before its end. */
  readonly cut?: 'start' | 'head' | 'body'
  /** Framing of the body; Content-Length by default. A cut after the body needs a length beyond it, or chunks. */
  readonly framing?: 'length' | 'chunked'
}

export interface RecordedRequest {
  readonly method: string
  readonly target: string
  readonly rawFields: readonly string[]
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

type Answer = ScriptedResponse | ((request: RecordedRequest) => ScriptedResponse)

export interface ScriptedOrigin {
  readonly url: string
  readonly port: number
  /** Answers to the requests for a path (with its query), one each, in their order; a request beyond them gets 599. */
  script(target: string, ...answers: Answer[]): void
  requests(target: string): readonly RecordedRequest[]
  /** Resolves when the path has been asked for so often. */
  asked(target: string, times: number): Promise<void>
  stop(): Promise<void>
}

/** An origin on 127.0.0.1, on a port that the system picks, which does for each path what a list says. */
export async function startScriptedOrigin(): Promise<ScriptedOrigin> {
  const answers = new Map<string, Answer[]>()
  const seen = new Map<string, RecordedRequest[]>()
  let waiting: { target: string; times: number; resolve: () => void }[] = []

  const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of message) chunks.push(chunk as Buffer)
    const { method = '', url: target = '', rawHeaders: rawFields, headers } = message
    const request = { method, target, rawFields, headers, body: Buffer.concat(chunks) }
    const requests = seen.get(target) ?? []
    seen.set(target, [...requests, request])
    waiting = waiting.filter(({ target: awaited, times, resolve }) => {
      if (awaited !== target || requests.length + 1 < times) return true
      resolve()
      return false
    })
    const answer = answers.get(target)?.shift() ?? { status: 599, body: `nothing is scripted for ${target}` }
    await play(typeof answer === 'function' ? answer(request) : answer, method, response)
  }

  const server = createServer((message, response) => {
    handle(message, response).catch((error: Error) => response.destroy(error))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    script: (target, ...more) => void answers.set(target, [...(answers.get(target) ?? []), ...more]),
    requests: target => seen.get(target) ?? [],
    asked: (target, times) =>
      new Promise(resolve => {
        if ((seen.get(target) ?? []).length >= times) resolve()
        else waiting.push({ target, times, resolve })
      }),
    stop: () => {
      server.closeAllConnections()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
}

async function play(script: ScriptedResponse, method: string, response: ServerResponse): Promise<void> {
  const { status = 200, fields = [], body = '', interim = [], after, cut, framing = 'length' } = script
  for (const [code, hints] of interim) {
    if (code === 102) response.writeProcessing()
    else response.writeEarlyHints({ ...hints })
  }
  await after
  if (cut === 'start') return void response.socket?.destroy()
  response.sendDate = false
  const raw = fields.flat()
  const named = new Set(fields.map(([name]) => name.toLowerCase()))
  const empty = status === 204 || status === 304
  if (framing === 'length' && !named.has('content-length') && !empty) {
    raw.push('Content-Length', String(Buffer.byteLength(body) + (cut === undefined ? 0 : 1)))
  }
  response.writeHead(status, raw)
  if (cut === 'head') {
    response.flushHeaders()
    return void setImmediate(() => response.socket?.destroy())
  }
  if (cut === 'body') return void response.write(body, () => response.socket?.destroy())
  response.end(method === 'HEAD' || empty ? undefined : body)
}

import http from 'node:http'

export interface Reply {
  /** 0: no answer, or it broke off. */
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
  /** Why there is no whole answer. */
  readonly error?: string
  readonly ms: number
}

export interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly timeoutMs?: number
}

/** A client of one node; its connections are kept. Never rejects: what went wrong is in the reply. */
export class Client {
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 512, maxFreeSockets: 64 })

  constructor(private readonly port: () => number) {}

  ask(path: string, { method = 'GET', headers = {}, body, timeoutMs = 20_000 }: Ask = {}): Promise<Reply> {
    const started = performance.now()
    return new Promise(resolve => {
      const fail = (error: string) =>
        resolve({
          status: 0,
          headers: {},
          body: Buffer.alloc(0),
          error,
          ms: performance.now() - started,
        })
      const all = body === undefined ? headers : { 'Content-Type': 'application/json', ...headers }
      const request = http.request({
        port: this.port(),
        host: '127.0.0.1',
        agent: this.#agent,
        path,
        method,
        headers: all,
      })
      const timer = setTimeout(() => {
        fail('timeout')
        request.destroy()
      }, timeoutMs)
      request.on('error', error => {
        clearTimeout(timer)
        fail(error.message)
      })
      request.on('response', response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', error => fail(error.message))
        response.on('close', () => {
          clearTimeout(timer)
          if (!response.complete) return fail('cut')
          const { statusCode: status = 0, headers: fields } = response
          resolve({ status, headers: fields, body: Buffer.concat(chunks), ms: performance.now() - started })
        })
      })
      request.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface VersionedOrigin {
  readonly url: string
  /** What it answers to requests from now on. */
  version: number
  /** Cache-Control of its answers. */
  cacheControl: string
  /** Requests so far. */
  readonly requests: number
  /** Resolves when it has been asked so often, ever. */
  asked(times: number): Promise<void>
  /** Answers wait, after `sent` of it has gone out, until the returned function is called. */
  hold(sent?: 'nothing' | 'head'): () => void
  stop(): Promise<void>
}

/** An origin on 127.0.0.1 whose answer to everything is its version. @param delayMs from the request to the answer */
export async function startVersionedOrigin({ delayMs = 0 } = {}): Promise<VersionedOrigin> {
  let requests = 0
  let waiting: { times: number; resolve: () => void }[] = []
  let holding: { sent: 'nothing' | 'head'; released: Promise<void> } | undefined

  const server = createServer((req, res) => {
    requests++
    waiting = waiting.filter(({ times, resolve }) => (times > requests ? true : (resolve(), false)))
    req.resume()
    const body = `version ${origin.version}`
    setTimeout(() => void answer(res, body), delayMs)
  })
  async function answer(res: ServerResponse, body: string): Promise<void> {
    const held = holding
    if (held?.sent === 'nothing') await held.released
    res.writeHead(200, {
      'Content-Type': 'text/plain',
      'Content-Length': body.length,
      'Cache-Control': origin.cacheControl,
    })
    if (held?.sent === 'head') {
      res.write(body.slice(0, 3))
      await held.released
      res.end(body.slice(3))
    } else res.end(body)
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  const origin: VersionedOrigin = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    version: 1,
    cacheControl: 'max-age=3600',
    get requests() {
      return requests
    },
    asked: times =>
      new Promise(resolve => {
        if (requests >= times) resolve()
        else waiting.push({ times, resolve })
      }),
    hold(sent = 'nothing') {
      let release = () => {}
      const released = new Promise<void>(resolve => (release = resolve))
      holding = { sent, released }
      return () => {
        holding = undefined
        release()
      }
    },
    stop: () => {
      server.closeAllConnections()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
  return origin
}

import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as it came to the origin. */
export interface Seen {
  readonly line: string
  readonly text: string
}

export interface Reflector {
  readonly listener: RequestListener
  readonly seen: Seen[]
}

type Special = (req: IncomingMessage, res: ServerResponse) => boolean | void

/**
 * The origin that every attack hopes for: all that it gets is in its answer, which is fresh for a minute and names no Vary. `special`
 * answers some paths in its own way; false: as all others.
 */
export function makeReflector(special: Record<string, Special> = {}): Reflector {
  const seen: Seen[] = []
  const listener: RequestListener = (req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const text = reflection(req, Buffer.concat(chunks))
      seen.push({ line: `${req.method} ${req.url}`, text })
      const path = (req.url ?? '').split('?', 1)[0]!
      const key = Object.keys(special).find(prefix => path.startsWith(prefix))
      if (key !== undefined && special[key]!(req, res) !== false) return
      res.setHeader('Cache-Control', 'max-age=60')
      res.setHeader('Content-Type', 'text/plain')
      res.end(text)
    })
  }
  return { listener, seen }
}

/** All of a request but what each front has of its own (ports, our address). */
function reflection(req: IncomingMessage, body: Buffer): string {
  const fields: string[] = []
  // Middleware may have given the request another set of fields; node's own is a list.
  for (let i = 0; i + 1 < req.rawHeaders.length; i += 2)
    fields.push(`${req.rawHeaders[i]!.toLowerCase()}: ${req.rawHeaders[i + 1]!}`)
  for (const [name, value] of Object.entries(req.headers)) fields.push(`${name}= ${String(value)}`)
  const text = [`${req.method} ${req.url}`, ...fields.sort(), '', body.toString('latin1')].join('\n')
  return text.replace(/127\.0\.0\.1:\d+/g, '127.0.0.1').replace(/(x-forwarded-port.*?)\d+/g, '$1N')
}

/** Serves on a free port, as leniently as node can. */
export async function serveOn(listener: RequestListener): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer({ insecureHTTPParser: true, maxHeaderSize: 65_536 }, listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.closeAllConnections()
      return new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}

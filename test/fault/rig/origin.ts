import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the origin says of a URL; its content is its version, which the tests raise. */
export interface Page {
  readonly path: string
  readonly cacheControl: string
  readonly size: number
  readonly tags: readonly string[]
  /** Answers differ by the request's X-Variant. */
  readonly varies: boolean
  /** An ETag for each version, and 304 to who has it. */
  readonly validates: boolean
  readonly chunked: boolean
}

export const HOLDS = ['before-head', 'after-head', 'mid-body', 'before-end'] as const
export type OriginHold = (typeof HOLDS)[number]

/** Asked once for each request that arrives: where to stop, and until when. */
export type HoldPlan = () => { readonly at: OriginHold; readonly until: Promise<unknown> } | undefined

export interface VersionedOrigin {
  readonly url: string
  add(page: Page, holds?: HoldPlan): void
  remove(path: string): void
  /** The content has changed. Gives the new version; the first is 1. */
  bump(path: string): number
  version(path: string): number
  paths(): string[]
  page(path: string): Page | undefined
  requests(): number
  stop(): Promise<void>
}

interface Held {
  readonly page: Page
  readonly holds: HoldPlan | undefined
  version: number
}

/** The bytes of one version, every one of which tells it from all others. */
export function bodyOf(
  { path, size }: Pick<Page, 'path' | 'size'>,
  version: number,
  variant: string,
): Buffer {
  return Buffer.alloc(size, `${path} version ${version} variant ${variant}\n`)
}

export const etagOf = (version: number, variant: string) => `"v${version}-${variant}"`

/** An origin that tells in field and body which version it sends: the one that was current when the request arrived. */
export async function startOrigin(): Promise<VersionedOrigin> {
  const pages = new Map<string, Held>()
  let requests = 0
  const server = http.createServer((req, res) => {
    requests++
    // A client (a node that was killed) may be gone before its answer is: no fault of the origin.
    res.on('error', () => undefined)
    void answer(pages.get(req.url!), req, res)
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    add: (page, holds) => void pages.set(page.path, { page, holds, version: 1 }),
    remove: path => void pages.delete(path),
    bump: path => ++pages.get(path)!.version,
    version: path => pages.get(path)!.version,
    paths: () => [...pages.keys()],
    page: path => pages.get(path)?.page,
    requests: () => requests,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function answer(
  held: Held | undefined,
  req: http.IncomingMessage,
  res: http.ServerResponse,
): Promise<void> {
  if (held === undefined) return void res.writeHead(410, { 'Cache-Control': 'no-store' }).end()
  const { page, version } = held
  const variant = page.varies ? String(req.headers['x-variant'] ?? 'none') : 'one'
  const etag = etagOf(version, variant)
  const fields: Record<string, string> = {
    'X-Version': String(version),
    'X-Answered-Variant': variant,
    'Cache-Control': page.cacheControl,
  }
  if (page.tags.length > 0) fields['Cache-Tag'] = page.tags.join(',')
  if (page.varies) fields.Vary = 'X-Variant'
  if (page.validates) fields.ETag = etag
  const unchanged = page.validates && String(req.headers['if-none-match'] ?? '').includes(etag)
  const hold = held.holds?.()
  const reached = async (at: OriginHold) => {
    if (hold?.at === at) await hold.until
  }
  await reached('before-head')
  if (unchanged) return void res.writeHead(304, fields).end()
  const body = bodyOf(page, version, variant)
  if (!page.chunked) fields['Content-Length'] = String(body.length)
  res.writeHead(200, fields)
  res.flushHeaders()
  await reached('after-head')
  res.write(body.subarray(0, body.length >> 1))
  await reached('mid-body')
  res.write(body.subarray(body.length >> 1, body.length - 1))
  await reached('before-end')
  res.end(body.subarray(body.length - 1))
}

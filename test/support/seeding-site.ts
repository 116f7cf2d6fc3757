import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { StrataOptions } from '../../src/index.js'
import { eventually, startInProcessProxy } from './in-process-proxy.js'
import { onClose } from './mounted-strata.js'

/** A job as the admin routes tell of it. */
export interface SeedJob {
  readonly id: string
  readonly state: string
  readonly error: string | null
  readonly resumed: number
  readonly warm?: Readonly<Record<string, number>>
}

export const LAYER = {
  name: 'base',
  template: '/tiles/{z}/{x}/{y}.png',
  maxZoom: 12,
}

/** A tile server whose every answer the test may change, counted by path. */
export async function tileOrigin(answer?: (req: IncomingMessage, res: ServerResponse) => void) {
  const asked = new Map<string, number>()
  const state: { answer: ((req: IncomingMessage, res: ServerResponse) => void) | undefined } = { answer }
  const server = createServer((req, res) => {
    asked.set(req.url!, (asked.get(req.url!) ?? 0) + 1)
    if (state.answer !== undefined) return state.answer(req, res)
    res.setHeader('Content-Type', 'image/png').end(`tile ${req.url}`)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    return new Promise<void>(resolve => server.close(() => resolve()))
  }
  onClose(close)
  const total = () => [...asked.values()].reduce((sum, count) => sum + count, 0)
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, total, state, close }
}

/** The admin routes of a running proxy, as far as warming goes. */
export function seedingApi(base: string) {
  const call = async (method: string, path: string, body?: object | string) => {
    const response = await fetch(`${base}/admin/cache${path}`, {
      method,
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      headers: { 'content-type': typeof body === 'string' ? 'text/plain' : 'application/json' },
    })
    return { status: response.status, body: (await response.json()) as never }
  }
  const job = async (id: string): Promise<SeedJob> => (await call('GET', `/jobs/${id}`)).body
  const become = async (id: string, ...states: string[]): Promise<SeedJob> => {
    return eventually(async () => {
      const now = await job(id)
      return states.includes(now.state) && now
    })
  }
  const over = (id: string) => become(id, 'done', 'incomplete', 'failed', 'cancelled')
  const cache = async (path: string) => {
    const response = await fetch(base + path)
    await response.arrayBuffer()
    return response.headers.get('x-cache')!.split(' ')[0]
  }
  return { call, job, become, over, cache }
}

/** A proxy with a tile layer in front of such an origin. */
export async function seedingSite(options: StrataOptions = {}, layer: object = {}) {
  const tiles = await tileOrigin()
  const proxy = await startInProcessProxy({
    origin: tiles.origin,
    rules: [{ match: '/tiles/**', ttl: 600, layer: { ...LAYER, ...layer } }],
    ...options,
  })
  onClose(() => proxy.close())
  return { ...tiles, base: proxy.base, ...seedingApi(proxy.base) }
}

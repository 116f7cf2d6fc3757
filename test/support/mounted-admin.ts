import { afterEach, jest } from '@jest/globals'
import express from 'express'
import express4 from 'express4'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import request from 'supertest'
import type { OperatorParts } from '../../src/engine/operator.js'
import { Access, type AccessOptions } from '../../src/server/access/access.js'
import { adminRouter, type AdminOptions } from '../../src/server/admin/index.js'
import { memoryAudit } from './audited.js'
import { operatedCache } from './operated-cache.js'

export type Handler = (req: IncomingMessage, res: ServerResponse) => void

export const mounts: Record<string, (router: ReturnType<typeof adminRouter>) => Handler> = {
  'Express 5': router => express().use('/admin/cache', router),
  'Express 4': router => express4().use('/admin/cache', router),
  'Express 4 with a body parser': router =>
    express4().use(express4.json(), express4.text()).use('/admin/cache', router),
  'node:http': router => (req, res) => {
    req.url = req.url!.slice('/admin/cache'.length)
    router(req as never, res as never, () => res.end('passed on'))
  },
}

export const TOKEN = 'correct horse battery staple'.replaceAll(' ', '-')
const health = {
  live: () => ({ ok: true, checks: {} }),
  ready: async () => ({ ok: false, checks: { redis: { ok: false, reason: 'refused' } } }),
}

/** A memory cache with its admin router, mounted at `/admin/cache`. */
export async function admin(
  options: Partial<AccessOptions> = {},
  mount = mounts['Express 5']!,
  parts: Partial<OperatorParts> = {},
) {
  const cache = await operatedCache(parts)
  const onRequest = jest.fn<NonNullable<AdminOptions['onRequest']>>()
  const access = new Access({ trustLoopback: true, ...options })
  const router = adminRouter({
    operator: cache.operator,
    health,
    access,
    audit: memoryAudit().audit,
    onRequest,
  })
  const handler = mount(router)
  const api = (method: 'get' | 'post' | 'delete' | 'put' | 'head' | 'options', path: string) =>
    request(handler)[method](`/admin/cache${path}`)
  return { ...cache, handler, api, onRequest }
}

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** On a free port, until the test is over. */
export async function listen(handler: Handler): Promise<number> {
  const server = createServer(handler)
  closing.push(() => server.close())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

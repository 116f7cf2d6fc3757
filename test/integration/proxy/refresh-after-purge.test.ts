import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from '@jest/globals'
import type { StrataOptions } from '../../../src/index.js'
import { startInProcessProxy } from '../../support/in-process-proxy.js'
import { closeAll, onClose, until } from '../../support/mounted-strata.js'

afterEach(closeAll)

/** A proxy before an origin whose answers carry a version, and vary by language. */
async function site(options: StrataOptions = {}) {
  const seen: { path: string; forwardedHost: unknown; language: unknown }[] = []
  const state = { version: 1 }
  const server = createServer((req, res) => {
    const { 'x-forwarded-host': forwardedHost, 'accept-language': language } = req.headers
    seen.push({ path: req.url!, forwardedHost, language })
    res
      .setHeader('Cache-Control', 'max-age=600, stale-while-revalidate=600')
      .setHeader('Vary', 'Accept-Language')
    res.end(`${req.url} version ${state.version} for ${language ?? 'all'}`)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onClose(() => {
    server.closeAllConnections()
    return new Promise<void>(resolve => server.close(() => resolve()))
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const proxy = await startInProcessProxy({ origin, refreshAfterPurge: { rate: 1000 }, ...options })
  onClose(() => proxy.close())
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(proxy.base + path, { headers: { 'accept-language': 'en', ...headers } })
    return { cache: response.headers.get('x-cache')!.split(' ')[0], text: await response.text() }
  }
  const invalidate = async (body: object) => {
    const response = await fetch(`${proxy.base}/admin/cache/invalidate`, {
      method: 'POST',
      body: JSON.stringify(body),
    })
    return (await response.json()) as { matched: number; job: string }
  }
  const stored = async () => {
    const response = await fetch(`${proxy.base}/admin/cache/keys`)
    const { keys } = (await response.json()) as { keys: { url: string; state: string; hits: number }[] }
    return keys
  }
  return { seen, state, get, invalidate, stored }
}

describe.each([false, true])('refresh after purge (soft: %p)', soft => {
  test('what was purged is fetched again, every variant, and clients have hits', async () => {
    const { seen, state, get, invalidate, stored } = await site()
    for (const path of ['/a', '/b?q=1']) await get(path)
    await get('/a', { 'accept-language': 'de' })
    await until('all is stored', async () => (await stored()).length === 3)
    state.version = 2
    expect(await invalidate({ all: true, confirm: true, soft })).toMatchObject({ matched: 3 })
    await until('all is fetched again', async () => {
      const keys = await stored()
      return keys.length === 3 && keys.every(key => key.state === 'fresh') && seen.length === 6
    })
    expect(await get('/a')).toEqual({ cache: 'HIT', text: '/a version 2 for en' })
    expect(await get('/b?q=1')).toEqual({ cache: 'HIT', text: '/b?q=1 version 2 for en' })
    expect(await get('/a', { 'accept-language': 'de' })).toEqual({
      cache: 'HIT',
      text: '/a version 2 for de',
    })
    expect(seen).toHaveLength(6)
    expect(new Set(seen.map(({ forwardedHost }) => forwardedHost))).toEqual(new Set(['127.0.0.1']))
  })
})

test('off by default: nothing is fetched until somebody asks', async () => {
  const { seen, get, invalidate, stored } = await site({ refreshAfterPurge: {} })
  await get('/a')
  await until('it is stored', async () => (await stored()).length === 1)
  await invalidate({ all: true, confirm: true })
  await until('it is swept', async () => (await stored()).length === 0)
  expect((await get('/b')).cache).toBe('MISS')
  expect(seen.map(({ path }) => path)).toEqual(['/a', '/b'])
})

test('the hottest first, and no more than the limit', async () => {
  const { seen, get, invalidate, stored } = await site({
    refreshAfterPurge: { rate: 1000, concurrency: 1, maxEntries: 2 },
  })
  for (const path of ['/cold', '/warm', '/hot']) await get(path)
  await until('all is stored', async () => (await stored()).length === 3)
  for (let i = 0; i < 9; i++) await get('/hot')
  for (let i = 0; i < 4; i++) await get('/warm')
  await until('the hits are written', async () => (await stored()).some(({ hits }) => hits >= 9))
  await invalidate({ patterns: ['/**'] })
  await until('two are fetched again', () => seen.length === 5)
  await until('and stored', async () => (await stored()).length === 2)
  expect(seen.slice(3).map(({ path }) => path)).toEqual(['/hot', '/warm'])
})

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { PNG } from 'pngjs'
import type { TileOrigin } from '../../../demo/tile-origin.mjs'
import { startTileOrigin } from '../../../demo/tile-origin.mjs'

let origin: TileOrigin
beforeAll(async () => {
  origin = await startTileOrigin({ delayMs: 0 })
})
afterAll(() => origin.close())

const get = (path: string, init?: RequestInit) => fetch(origin.url + path, init)

describe('the demo origin', () => {
  test('draws tiles: PNG, 256 by 256, more than one colour', async () => {
    const response = await get('/tiles/5/16/10.png')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('image/png')
    expect(response.headers.get('cache-control')).toBe('public, max-age=60')
    const { width, height, data } = PNG.sync.read(Buffer.from(await response.arrayBuffer()))
    expect([width, height]).toEqual([256, 256])
    const colours = new Set<number>()
    for (let at = 0; at < data.length; at += 4) colours.add(data.readUInt32BE(at))
    expect(colours.size).toBe(4)
  })

  test('neighbours differ', async () => {
    const bodies = await Promise.all(
      ['5/16/10', '5/16/11', '5/17/10'].map(async name =>
        Buffer.from(await (await get(`/tiles/${name}.png`)).arrayBuffer()).toString('base64'),
      ),
    )
    expect(new Set(bodies).size).toBe(3)
  })

  test('HEAD has the fields of GET and no body', async () => {
    const response = await get('/tiles/1/0/0.png', { method: 'HEAD' })
    expect(response.status).toBe(200)
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(500)
    expect(await response.text()).toBe('')
  })

  test('a tag that it gave is answered with 304 and the same tag; that of another tile is not', async () => {
    const first = await get('/tiles/2/1/1.png')
    const etag = first.headers.get('etag')!
    const again = await get('/tiles/2/1/1.png', { headers: { 'if-none-match': etag } })
    expect(again.status).toBe(304)
    expect(again.headers.get('etag')).toBe(etag)
    expect(again.headers.get('last-modified')).toBe(first.headers.get('last-modified'))
    expect((await get('/tiles/2/1/2.png', { headers: { 'if-none-match': etag } })).status).toBe(200)
  })

  test('a tag that is too old, or from the future, is not', async () => {
    const second = Math.floor(Date.now() / 1000)
    for (const at of [second - 301, second + 100]) {
      const response = await get('/tiles/2/1/1.png', { headers: { 'if-none-match': `"2-1-1-${at}"` } })
      expect(response.status).toBe(200)
    }
  })

  test.each([
    '/tiles/1/2/0.png',
    '/tiles/1/0/2.png',
    '/tiles/23/0/0.png',
    '/tiles/01/0/0.png',
    '/tiles/1/0/0.webp',
    '/x',
  ])('%s is 404', async path => expect((await get(path)).status).toBe(404))

  test('the API counts', async () => {
    const one = (await (await get('/api/slow')).json()) as { count: number }
    const two = (await (await get('/api/slow')).json()) as { count: number }
    expect(two.count).toBe(one.count + 1)
    expect((await get('/api/slow', { method: 'POST' })).status).toBe(405)
  })

  test('the page is there', async () => {
    const response = await get('/')
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(await response.text()).toContain('<div id="map">')
  })
})

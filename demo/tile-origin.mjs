import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'
import { drawTile } from './tile-png.mjs'

/**
 * A slow origin for demos: tiles that are drawn on request, an API that counts, and a page with a map.
 *
 *   GET /tiles/{z}/{x}/{y}.png   a tile, fresh for a minute, unchanged (304) for five
 *   GET /api/slow                JSON with a counter and the time, fresh for ten seconds
 *   GET /                        a small map that shows what the cache said about each tile
 */

const MAX_ZOOM = 22
const FRESH_S = 60
/** For so long after it was drawn, a tile counts as unchanged. */
const UNCHANGED_MS = 300_000

/**
 * @param {{ port?: number, host?: string, delayMs?: number }} [options] port 0: any that is free; delayMs: how slow it is
 * @returns {Promise<{ port: number, url: string, requests: () => number, close: () => Promise<void> }>}
 */
export async function startTileOrigin({ port = 0, host = '127.0.0.1', delayMs = 300 } = {}) {
  let requests = 0
  const server = createServer((req, res) => {
    requests++
    respond(req, res, { delayMs, count: requests }).catch(error => {
      process.stderr.write(`tile origin: ${error.stack}\n`)
      res.destroy()
    })
  })
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve)
  })
  const address = server.address()
  return {
    port: address.port,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    requests: () => requests,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function respond(req, res, { delayMs, count }) {
  req.resume()
  if (req.method !== 'GET' && req.method !== 'HEAD')
    return json(res, 405, { error: 'GET and HEAD only' }, { allow: 'GET, HEAD' })
  const { pathname } = new URL(req.url, 'http://origin')
  if (pathname === '/health') return json(res, 200, { ok: true }, { 'cache-control': 'no-store' })
  if (pathname === '/') {
    const page = await readFile(new URL('map.html', import.meta.url))
    return send(
      req,
      res,
      200,
      { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' },
      page,
    )
  }
  if (pathname === '/api/slow') {
    await delay(delayMs)
    return json(
      res,
      200,
      { count, time: new Date().toISOString() },
      { 'cache-control': 'public, max-age=10' },
    )
  }
  const tile = tileAt(pathname)
  if (!tile)
    return json(res, 404, { error: `no such tile: ${pathname}` }, { 'cache-control': 'public, max-age=60' })
  await delay(delayMs)
  return sendTile(req, res, tile)
}

/** @returns {{ z: number, x: number, y: number } | undefined} undefined when the path names no tile of the grid */
function tileAt(pathname) {
  const match = /^\/tiles\/(0|[1-9]\d?)\/(0|[1-9]\d{0,7})\/(0|[1-9]\d{0,7})\.png$/.exec(pathname)
  if (!match) return undefined
  const [z, x, y] = match.slice(1).map(Number)
  return z <= MAX_ZOOM && x < 2 ** z && y < 2 ** z ? { z, x, y } : undefined
}

/** The tag holds the second at which the tile was drawn: from it, and from nothing else, the same bytes can be drawn again. */
function sendTile(req, res, { z, x, y }) {
  const now = Date.now()
  const known = knownSecond(req.headers['if-none-match'], `${z}-${x}-${y}`)
  const unchanged = known !== undefined && known * 1000 <= now && now - known * 1000 < UNCHANGED_MS
  const second = unchanged ? known : Math.floor(now / 1000)
  const drawnAt = new Date(second * 1000)
  const fields = {
    'cache-control': `public, max-age=${FRESH_S}`,
    etag: `"${z}-${x}-${y}-${second}"`,
    'last-modified': drawnAt.toUTCString(),
    'cache-tag': `tiles, zoom-${z}`,
    'access-control-allow-origin': '*',
  }
  if (unchanged) return res.writeHead(304, fields).end()
  return send(req, res, 200, { ...fields, 'content-type': 'image/png' }, drawTile({ z, x, y, drawnAt }))
}

function knownSecond(ifNoneMatch, tile) {
  const match = new RegExp(`"${tile}-(\\d{1,12})"`).exec(ifNoneMatch ?? '')
  return match ? Number(match[1]) : undefined
}

function json(res, status, value, fields) {
  const body = `${JSON.stringify(value)}\n`
  return send(res.req, res, status, { 'content-type': 'application/json', ...fields }, body)
}

function send(req, res, status, fields, body) {
  res.writeHead(status, { ...fields, 'content-length': Buffer.byteLength(body) })
  return res.end(req.method === 'HEAD' ? undefined : body)
}

function delay(ms) {
  return new Promise(resolve => setTimeout(resolve, ms))
}

/** `node demo/tile-origin.mjs`: PORT (9000), HOST (127.0.0.1), DELAY_MS (300). */
if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { PORT = '9000', HOST = '127.0.0.1', DELAY_MS = '300' } = process.env
  const origin = await startTileOrigin({ port: Number(PORT), host: HOST, delayMs: Number(DELAY_MS) })
  process.stdout.write(`tile origin at ${origin.url}\n`)
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void origin.close())
}

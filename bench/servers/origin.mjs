import http from 'node:http'
import { config, serveOn } from './support/child.mjs'
import { originFields, payload } from './support/payload.mjs'

/**
 * The origin behind proxies, as cheap as node:http can be, for it may share its core with the load generator.
 * Settings: `bytes`; `unique`: the body begins with the request's path, so that no two are the same; `vary`: eight variants.
 */

const { bytes = 10_240, unique = false, vary = false } = config
const CHUNK = 1 << 20
const body = payload(Math.min(bytes, CHUNK * 16))
const fields = originFields(bytes, vary ? ['Vary', 'Accept-Encoding, Accept-Language'] : [])
let count = 0

const server = http.createServer((req, res) => {
  count++
  if (bytes > body.length) return void streamed(res)
  if (vary) {
    const coding = /\bgzip\b/.test(req.headers['accept-encoding'] ?? '') ? ['Content-Encoding', 'gzip'] : []
    res.writeHead(200, [...fields, 'Content-Language', req.headers['accept-language'] ?? 'en', ...coding])
    return void res.end(body)
  }
  res.writeHead(200, fields)
  res.end(unique ? bodyOf(req.url ?? '') : body)
})

/** @param {string} url */
function bodyOf(url) {
  const own = Buffer.from(body)
  own.write(url, 'latin1')
  return own
}

/** @param {http.ServerResponse} res */
function streamed(res) {
  res.writeHead(200, fields)
  let sent = 0
  const more = () => {
    while (sent < bytes) {
      const chunk = body.subarray(0, Math.min(CHUNK, bytes - sent))
      sent += chunk.length
      if (!res.write(chunk)) return
    }
    res.off('drain', more)
    res.end()
  }
  res.on('drain', more)
  more()
}

await serveOn(server, { count: () => count })

import http from 'node:http'
import { Agent, cacheStores, interceptors } from 'undici'
import { config, serveOn } from './support/child.mjs'
import { HOP_BY_HOP } from './support/hop-by-hop.mjs'

/** A streaming proxy on undici: without any cache, or (`cached`) on undici's own cache interceptor with its memory store. */

const agent = new Agent({ connections: 256 })
const store = new cacheStores.MemoryCacheStore({ maxSize: 256 * 1024 ** 2, maxEntrySize: 1024 ** 2 })
const dispatcher = config.cached ? agent.compose(interceptors.cache({ store })) : agent

const server = http.createServer((req, res) => {
  const { host: _host, connection: _connection, ...headers } = req.headers
  dispatcher
    .stream({ origin: config.origin, path: req.url, method: req.method, headers, opaque: res }, respond)
    .catch(error => res.destroy(error))
})

function respond({ statusCode, headers, opaque }) {
  const out = {}
  for (const name of Object.keys(headers)) if (!HOP_BY_HOP.has(name)) out[name] = headers[name]
  opaque.writeHead(statusCode, out)
  return opaque
}

await serveOn(server)

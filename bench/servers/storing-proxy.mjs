import { hash } from 'node:crypto'
import http from 'node:http'
import { open } from 'lmdb'
import { Agent } from 'undici'
import { config, serveOn } from './support/child.mjs'
import { HOP_BY_HOP } from './support/hop-by-hop.mjs'

/**
 * The least that a proxy can do which keeps what passes: undici, and one put into LMDB for each answer, as the library batches them. No
 * key but the target, no policy, no limit, no invalidation; and nothing is ever read. With `ordered` as many as it takes to share
 * equal bodies, and to find what is to go: the body by its SHA-256, the head, and its place by three times.
 */

const agent = new Agent({ connections: 256 })
const root = open({ path: config.path, encoding: 'binary' })
const keep = config.ordered ? inFive() : whole()
let fills = 0

function whole() {
  return (path, head, body) => root.put(path, Buffer.concat([head, body]))
}

function inFive() {
  const [heads, bodies, ...orders] = ['heads', 'bodies', 'recent', 'useless', 'stored'].map(name =>
    root.openDB({ name, encoding: 'binary' }),
  )
  const present = Buffer.from([1])
  return (path, head, body) => {
    const key = hash('sha256', path, 'base64url')
    bodies.put(hash('sha256', body, 'base64url'), body)
    const now = Date.now()
    for (const order of orders) order.put([now, key], present)
    return heads.put(key, head)
  }
}

const server = http.createServer((req, res) => {
  const { host: _host, connection: _connection, ...headers } = req.headers
  const { url: path, method } = req
  let head
  const body = []
  agent.dispatch(
    { origin: config.origin, path, method, headers },
    {
      onConnect: () => {},
      onHeaders: (status, raw) => {
        const fields = []
        for (let i = 0; i < raw.length; i += 2) {
          const name = raw[i].toString('latin1')
          if (!HOP_BY_HOP.has(name.toLowerCase())) fields.push(name, raw[i + 1].toString('latin1'))
        }
        head = Buffer.from(JSON.stringify([status, fields]))
        res.writeHead(status, fields)
        return true
      },
      onData: chunk => {
        body.push(chunk)
        res.write(chunk)
        return true
      },
      onComplete: () => {
        res.end()
        keep(path, head, Buffer.concat(body)).then(
          () => fills++,
          error => process.emitWarning(error),
        )
      },
      onError: error => res.destroy(error),
    },
  )
})

await serveOn(server, { stats: () => ({ fills }) })

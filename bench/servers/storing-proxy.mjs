import http from 'node:http'
import { open } from 'lmdb'
import { Agent } from 'undici'
import { config, serveOn } from './support/child.mjs'
import { HOP_BY_HOP } from './support/hop-by-hop.mjs'

/**
 * The least that a proxy can do which keeps what passes: undici, and one put into LMDB for each answer, as the library batches them. No
 * key but the target, no policy, no limit, no invalidation; and nothing is ever read.
 */

const agent = new Agent({ connections: 256 })
const store = open({ path: config.path, encoding: 'binary' })
let fills = 0

const server = http.createServer((req, res) => {
  const { host: _host, connection: _connection, ...headers } = req.headers
  const { url: path, method } = req
  const kept = []
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
        kept.push(Buffer.from(JSON.stringify([status, fields])))
        res.writeHead(status, fields)
        return true
      },
      onData: chunk => {
        kept.push(chunk)
        res.write(chunk)
        return true
      },
      onComplete: () => {
        res.end()
        store.put(path, Buffer.concat(kept)).then(
          () => fills++,
          error => process.emitWarning(error),
        )
      },
      onError: error => res.destroy(error),
    },
  )
})

await serveOn(server, { stats: () => ({ fills }) })

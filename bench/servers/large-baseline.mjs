import { createReadStream } from 'node:fs'
import http from 'node:http'
import { pipeline } from 'node:stream'
import { config, serveOn } from './support/child.mjs'

/** A bare streaming pipe: from the origin over HTTP (`origin`), or from a file (`file`). */

const { origin, file } = config
const agent = new http.Agent({ keepAlive: true })

const server = http.createServer((req, res) => {
  if (file !== undefined) {
    res.writeHead(200, ['Content-Type', 'image/png', 'Content-Length', String(config.bytes)])
    return void pipeline(createReadStream(file), res, error => error && res.destroy(error))
  }
  const asked = http.get(`${origin}${req.url}`, { agent }, answer => {
    const { 'content-type': type, 'content-length': length } = answer.headers
    res.writeHead(answer.statusCode, ['Content-Type', type, 'Content-Length', length])
    pipeline(answer, res, error => error && res.destroy(error))
  })
  asked.on('error', error => res.destroy(error))
})

await serveOn(server)

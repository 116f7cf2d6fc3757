import { createReadStream, createWriteStream } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { config, serveOn } from './support/child.mjs'

/** A bare streaming pipe: from the origin over HTTP (`origin`; into files in the folder `keep` as well), or from a file (`file`). */

const { origin, file, keep } = config
const agent = new http.Agent({ keepAlive: true })
let kept = 0

const server = http.createServer((req, res) => {
  if (file !== undefined) {
    res.writeHead(200, ['Content-Type', 'image/png', 'Content-Length', String(config.bytes)])
    return void pipeline(createReadStream(file), res, error => error && res.destroy(error))
  }
  const asked = http.get(`${origin}${req.url}`, { agent }, answer => {
    const { 'content-type': type, 'content-length': length } = answer.headers
    res.writeHead(answer.statusCode, ['Content-Type', type, 'Content-Length', length])
    if (keep !== undefined) answer.pipe(createWriteStream(join(keep, String(kept++))))
    pipeline(answer, res, error => error && res.destroy(error))
  })
  asked.on('error', error => res.destroy(error))
})

await serveOn(server)

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'

/** A process of its own, so that it can be pinned: downloads a URL and says how many bytes came, in what time, with what X-Cache. */

const [url, hashed] = process.argv.slice(2)
const started = process.hrtime.bigint()
const [res] = await once(http.get(url, { agent: false }), 'response')
const hash = hashed === 'sha256' ? createHash('sha256') : undefined
let bytes = 0
res.on('data', chunk => {
  bytes += chunk.length
  hash?.update(chunk)
})
await once(res, 'end')
process.stdout.write(
  JSON.stringify({
    status: res.statusCode,
    xCache: res.headers['x-cache'],
    complete: res.complete,
    bytes,
    seconds: Number(process.hrtime.bigint() - started) / 1e9,
    sha256: hash?.digest('hex'),
  }),
)

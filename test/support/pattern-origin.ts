import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const BLOCK = 64 * 1024

export interface PatternOrigin {
  readonly url: string
  readonly requests: number
  stop(): Promise<void>
}

/**
 * An origin whose bodies are as long as their path says (`/1048576`): every 64 KiB begin with their number, so that a block that is
 * missing, doubled or out of its place changes the digest. It makes them as they are taken, and keeps none.
 */
export async function startPatternOrigin(): Promise<PatternOrigin> {
  let requests = 0
  const server = createServer((req, res) => {
    requests++
    const size = Number(/^\/(\d+)/.exec(req.url!)![1])
    res.writeHead(200, { 'Cache-Control': 'max-age=3600', 'Content-Length': size, ETag: `"${size}"` })
    let block = 0
    const more = () => {
      while (block * BLOCK < size) {
        const left = Math.min(BLOCK, size - block * BLOCK)
        if (!res.write(blockOf(block++).subarray(0, left))) return
      }
      res.off('drain', more)
      res.end()
    }
    res.on('drain', more)
    more()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get requests() {
      return requests
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const FILLING = createHash('sha512').update('filling').digest()

function blockOf(n: number): Buffer {
  const block = Buffer.alloc(BLOCK, FILLING)
  block.writeDoubleLE(n, 0)
  return block
}

/** What the body of this size has for SHA-256, in hex. */
export function patternDigest(size: number): string {
  const hash = createHash('sha256')
  for (let n = 0; n * BLOCK < size; n++)
    hash.update(blockOf(n).subarray(0, Math.min(BLOCK, size - n * BLOCK)))
  return hash.digest('hex')
}

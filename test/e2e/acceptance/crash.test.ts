import { afterEach, describe, expect, test } from '@jest/globals'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdir, stat, utimes } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { startBackend } from '../../support/backends.js'
import { eventually } from '../../support/in-process-proxy.js'
import { rawRequest } from '../../support/raw-client.js'
import { serveStrata } from '../../support/strata-cli.js'

/** P3: a crash anywhere leaves at most a body that nothing refers to, and a sweep removes that. */

const open: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const bodyOf = (size: number) =>
  Buffer.from(Uint32Array.from({ length: size / 4 }, (_, i) => (i * 2654435761) >>> 0).buffer)

/** Sends as much of the body as it is told, and the rest when it is asked again. */
async function holdingOrigin(body: Buffer, sent: number) {
  let requests = 0
  const server = http.createServer((_req, res) => {
    res.writeHead(200, { 'Cache-Control': 'max-age=3600', 'Content-Length': body.length })
    res.flushHeaders()
    if (++requests === 1 && sent < body.length) res.write(body.subarray(0, sent))
    else res.end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** All files below a folder of bodies, half-written ones as well. */
async function bodyFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
}

/** Bytes of a body that have come to a client that then goes on waiting. */
async function received(port: number, bytes: number): Promise<void> {
  const request = http.get({ port, host: '127.0.0.1', path: '/torn', agent: false })
  request.on('error', () => undefined)
  open.push(async () => request.destroy())
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  let seen = 0
  await new Promise<void>(resolve => {
    if (bytes === 0) resolve()
    response.on('error', () => undefined)
    response.on('data', (chunk: Buffer) => {
      seen += chunk.length
      if (seen >= bytes) resolve()
    })
  })
}

const SMALL = 100_000
const LARGE = 8_000_000

// Before the head's bytes, in the middle, one byte short; and all of it: between the answer and the commit, wherever that is by then.
const points = [SMALL, LARGE].flatMap(size =>
  [0, Math.floor(size / 3), size - 1, size].map(sent => [size, sent] as const),
)

describe('kill -9 in the middle of a fill (embedded)', () => {
  test.each(points)('of %i bytes, after %i', async (size, sent) => {
    const body = bodyOf(size)
    const backend = await startBackend('embedded')
    open.push(() => backend.stop())
    const origin = await holdingOrigin(body, sent)
    const env = { ...backend.env, STRATA_LIMITS_RESERVATION_MS: '1000', STRATA_SWEEP_BODY_GRACE_MS: '0' }
    const start = async () => {
      const strata = await serveStrata(['--origin', origin], env)
      open.push(async () => {
        strata.child.kill('SIGKILL')
        await strata.ended
      })
      return strata
    }
    const first = await start()
    await received(first.port, sent)
    first.child.kill('SIGKILL')
    expect(await first.ended).toBe('SIGKILL')

    const { port } = await start()
    const bodies = join(backend.folder, 'default', 'bodies')
    // As if it had crashed a while ago: what was written to just now could be the work of a process that can't be seen from here.
    const longAgo = new Date(Date.now() - 120_000)
    for (const file of await bodyFiles(join(bodies, 'tmp'))) await utimes(file, longAgo, longAgo)

    const again = await rawRequest({ port, target: '/torn' })
    expect(again).toMatchObject({ status: 200, complete: true })
    expect(sha256(again.body)).toBe(sha256(body))
    if (sent < size) expect(again.field('X-Cache')).toBe('MISS')
    await eventually(async () => {
      const hit = await rawRequest({ port, target: '/torn' })
      return hit.field('X-Cache') === 'HIT' && !/being-stored/.test(hit.field('Cache-Status')!)
    })

    const left = await eventually(async () => {
      const swept = await rawRequest({ port, method: 'POST', target: '/admin/cache/sweep' })
      expect(swept.status).toBe(200)
      const files = await bodyFiles(bodies)
      return files.length === 1 && files
    })
    expect((await stat(left[0]!)).size).toBe(size)
  })
})

import { once } from 'node:events'
import { createServer as createHttpServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { StrataProcess } from '../support/strata-cli.js'
import { runStrata, serveStrata } from '../support/strata-cli.js'

/** The life of `strata serve`: how it begins, and how it ends. */

let folder: string
let running: StrataProcess[]
let toClose: (() => Promise<void>)[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strata-serve-'))
  running = []
  toClose = []
})
afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL')
  await Promise.all([...running.map(({ ended }) => ended), ...toClose.map(close => close())])
  await rm(folder, { recursive: true, force: true })
})

const memory = ['--backend', 'memory']

/** An origin whose answers wait until they are released. */
async function heldOrigin() {
  const held: ServerResponse[] = []
  const server = createHttpServer((_req, res) => {
    held.push(res)
    server.emit('held')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  toClose.push(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    nextRequest: () => once(server, 'held'),
    release: (body: string) =>
      held.splice(0).forEach(res => res.setHeader('Cache-Control', 'no-store').end(body)),
  }
}

/** Resolves once nobody listens on the port any more. */
async function closedPort(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (!open) return
    await new Promise(resolve => setImmediate(resolve))
  }
}

describe('start', () => {
  test('wrong settings: exit code 2, every fault by its path, nothing listens, no stack trace', async () => {
    const file = join(folder, 'strata.yaml')
    await writeFile(file, 'origin: http://127.0.0.1:9\nrules:\n  - match: /a\n    ttl: soon\n')
    const strata = runStrata(['serve', '--config', file], { STRATA_PORT: '70000', STRATA_S3_BUKET: 'x' })
    running.push(strata)
    expect(await strata.ended).toBe(2)
    expect(strata.lines).toEqual([])
    expect(strata.stderr()).toMatch(/^strata: 3 settings are wrong:$/m)
    expect(strata.stderr()).toMatch(/^ {2}rules\[0\]\.ttl: must be a duration/m)
    expect(strata.stderr()).toMatch(/^ {2}port: must be at most 65535 \(from STRATA_PORT\)$/m)
    expect(strata.stderr()).toMatch(/^ {2}STRATA_S3_BUKET: .+did you mean STRATA_S3_BUCKET\?$/m)
    expect(strata.stderr()).not.toMatch(/^\s+at /m)
  })

  test('a port that is in use: exit code 1 and one line that says so', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    toClose.push(() => new Promise(resolve => other.close(() => resolve())))
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const args = [
      'serve',
      '--origin',
      'http://127.0.0.1:9',
      '--port',
      String(port),
      ...memory,
      '--log-level',
      'silent',
    ]
    const strata = runStrata(args)
    running.push(strata)
    expect(await strata.ended).toBe(1)
    expect(strata.stderr()).toBe(
      `strata: 127.0.0.1, port ${port}, is in use: choose another with --port, or --port 0 for any that is free\n`,
    )
  })
})

describe('end', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s: a running request is answered whole, then exit code 0',
    async signal => {
      const origin = await heldOrigin()
      const strata = await serveStrata(['--origin', origin.url, ...memory])
      running.push(strata)
      const arrived = origin.nextRequest()
      const answer = fetch(`${strata.base}/slow`).then(response => response.text())
      await arrived
      strata.child.kill(signal)
      await closedPort(strata.port)
      origin.release('all of it')
      expect(await answer).toBe('all of it')
      expect(await strata.ended).toBe(0)
    },
  )

  test('a second signal ends it at once', async () => {
    const origin = await heldOrigin()
    const strata = await serveStrata(['--origin', origin.url, ...memory])
    running.push(strata)
    const arrived = origin.nextRequest()
    const answer = fetch(`${strata.base}/slow`).then(
      response => response.text(),
      () => 'cut',
    )
    await arrived
    strata.child.kill('SIGTERM')
    await closedPort(strata.port)
    strata.child.kill('SIGTERM')
    expect(await strata.ended).toBe(143)
    expect(await answer).toBe('cut')
  })
})

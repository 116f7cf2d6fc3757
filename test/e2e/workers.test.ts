import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { until } from '../support/mounted-strata.js'
import { runStrata, serveStrata, type ServingStrata } from '../support/strata-cli.js'

let folder: string
let close: (() => Promise<unknown>)[]
let origin: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strata-workers-'))
  close = [() => rm(folder, { recursive: true, force: true })]
  const server = http.createServer((req, res) =>
    res.setHeader('Cache-Control', 'max-age=600').end(`body of ${req.url}`),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  close.push(async () => {
    server.closeAllConnections()
    server.close()
  })
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  for (const step of close.reverse()) await step()
})

interface LogLine {
  readonly msg?: string
  readonly pid?: number
}

const logged = ({ lines }: ServingStrata, msg: string) =>
  lines
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line) as LogLine)
    .filter(line => line.msg === msg)
const workersOf = (strata: ServingStrata) => new Set(logged(strata, 'listening').map(({ pid }) => pid!))

const settings = (extra: object = {}) =>
  writeFile(
    join(folder, 'strata.json'),
    JSON.stringify({
      ...{ origin, backend: 'embedded', dataDir: folder, workers: 2 },
      log: { access: false },
      ...extra,
    }),
  )

async function serving(): Promise<ServingStrata> {
  const strata = await serveStrata(['--config', join(folder, 'strata.json')])
  close.push(async () => {
    strata.child.kill('SIGTERM')
    await strata.ended
  })
  await until('all listen', () => workersOf(strata).size === 2)
  return strata
}

/** On a connection of its own: whichever worker it comes to. */
async function get(strata: ServingStrata, path: string): Promise<{ status: number; cacheStatus: string }> {
  const request = http.get(`${strata.base}${path}`, { agent: false })
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  response.resume()
  await once(response, 'end')
  return { status: response.statusCode!, cacheStatus: String(response.headers['cache-status']) }
}

describe('strata serve --workers', () => {
  test('one port, one store, one answer for all; who ends is replaced; SIGTERM ends all', async () => {
    await settings()
    const strata = await serving()
    for (let i = 0; i < 20; i++) expect((await get(strata, `/${i % 4}`)).status).toBe(200)
    // Whichever worker is asked, it tells of all of them.
    for (let i = 0; i < 4; i++) {
      const stats = (await (await fetch(`${strata.base}/admin/cache/stats`)).json()) as Record<string, number>
      expect(stats.hits! + stats.misses!).toBe(20)
      expect(stats.entries).toBe(4)
    }
    const [first] = workersOf(strata)
    process.kill(first!, 'SIGKILL')
    await until('another has taken its place', () => workersOf(strata).size === 3)
    expect((await get(strata, '/1')).status).toBe(200)
    strata.child.kill('SIGTERM')
    expect(await strata.ended).toBe(0)
  })

  test('SIGHUP: new settings, new workers, and no request that fails', async () => {
    await settings({ http: { cacheName: 'before' } })
    const strata = await serving()
    const old = workersOf(strata)
    expect((await get(strata, '/1')).cacheStatus).toMatch(/^before;/)
    const agent = new http.Agent({ keepAlive: true, maxSockets: 8 })
    close.push(async () => agent.destroy())
    const seen = new Set<string>()
    let stop = false
    let requests = 0
    const client = async () => {
      while (!stop) {
        const request = http.get(`${strata.base}/${requests++ % 10}`, { agent })
        const [response] = (await once(request, 'response')) as [http.IncomingMessage]
        response.resume()
        await once(response, 'end')
        if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`)
        seen.add(String(response.headers['cache-status']).split(';')[0]!)
      }
    }
    const clients = Array.from({ length: 8 }, client)
    await settings({ http: { cacheName: 'after' } })
    strata.child.kill('SIGHUP')
    await until('it is told', () => logged(strata, 'reloaded').length === 1)
    await until('the old ones have ended', () => logged(strata, 'closed').length === old.size)
    stop = true
    await Promise.all(clients)
    expect([...seen]).toEqual(['before', 'after'])
    for (let i = 0; i < 4; i++) expect((await get(strata, '/1')).cacheStatus).toMatch(/^after; hit/)
  })

  test('SIGHUP with settings that are wrong: all stays as it was', async () => {
    await settings()
    const strata = await serving()
    await writeFile(join(folder, 'strata.json'), '{"workers": "many"}')
    strata.child.kill('SIGHUP')
    await until('it is told', () => strata.lines.some(line => line.includes('the reload ends here')))
    expect((await get(strata, '/1')).status).toBe(200)
    expect(workersOf(strata).size).toBe(2)
  })

  test('a store that processes cannot share is refused', async () => {
    const strata = runStrata(['serve', '--origin', origin, '--backend', 'memory', '--workers', '2'])
    expect(await strata.ended).not.toBe(0)
    expect(strata.stderr()).toMatch(/workers: must be 1 with backend "memory"/)
  })
})

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { eventually } from '../support/in-process-proxy.js'
import { closeAll, onClose } from '../support/mounted-strata.js'
import { LAYER, seedingApi, tileOrigin } from '../support/seeding-site.js'
import { runStrata, serveStrata } from '../support/strata-cli.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strata-warm-'))
  onClose(() => rm(folder, { recursive: true, force: true }))
})
afterEach(closeAll)

const BATCH = 32
const ALL = 1 + 4 + 16 + 64 + 256
const WORLD = ['--layer', 'base', '--bbox=-180,-85,180,85']

/** `strata serve` on the embedded store of this test. */
async function node(origin: string, port = 0) {
  const config = join(folder, 'strata.yaml')
  const rules = [{ match: '/tiles/**', ttl: 600, layer: LAYER }]
  const settings = { rules, backend: 'embedded', dataDir: folder, warm: { batch: BATCH, concurrency: 4 } }
  await writeFile(config, JSON.stringify(settings))
  const strata = await serveStrata([
    '--config',
    config,
    '--origin',
    origin,
    '--port',
    String(port),
    '--no-access-log',
  ])
  onClose(async () => {
    strata.child.kill('SIGKILL')
    await strata.ended
  })
  return strata
}

/** `strata warm` against it, to its end. */
async function warm(base: string, ...args: string[]) {
  const strata = runStrata(['warm', '--admin', `${base}/admin/cache`, ...args])
  onClose(async () => void strata.child.kill('SIGKILL'))
  const code = await strata.ended
  return { code, out: strata.lines.join('\n'), err: strata.stderr() }
}

describe('strata warm', () => {
  test('kill -9 in the middle: it goes on from its place, every tile comes, at most a batch comes twice', async () => {
    const tiles = await tileOrigin()
    let killAt = 120
    const killed = { yet: () => {} }
    const dead = new Promise<void>(resolve => (killed.yet = resolve))
    tiles.state.answer = (req, res) => {
      if (--killAt === 0) killed.yet()
      res.setHeader('Content-Type', 'image/png').end(`tile ${req.url}`)
    }
    const first = await node(tiles.origin)
    const warming = warm(first.base, ...WORLD, '--zoom', '0-4', '--refresh')
    const early = await Promise.race([dead, warming])
    expect(early).toBeUndefined()
    first.child.kill('SIGKILL')
    await first.ended
    const before = tiles.total()
    expect(before).toBeLessThan(ALL)
    const second = await node(tiles.origin, first.port)
    const { code, out, err } = await warming
    expect({ code, err }).toMatchObject({ code: 0 })
    expect(out).toMatch(
      /^done: 341 in all, \d+ were fresh, \d+ fetched \(\d+ bytes\), 0 absent, 0 outside, 0 failed$/,
    )
    expect(tiles.asked.size).toBe(ALL)
    expect(tiles.total() - ALL).toBeLessThanOrEqual(BATCH)
    expect(Math.max(...tiles.asked.values())).toBeLessThanOrEqual(2)
    // Without the tile server every tile is there.
    await tiles.close()
    const { cache, call } = seedingApi(second.base)
    for (const path of tiles.asked.keys()) expect(await cache(path)).toBe('HIT')
    const { jobs } = (await call('GET', '/jobs')).body as { jobs: { kind: string; resumed: number }[] }
    expect(jobs.find(({ kind }) => kind === 'warm')).toMatchObject({ resumed: 1 })
  }, 90_000)

  test('what it says, and how it ends', async () => {
    const tiles = await tileOrigin((req, res) => {
      if (req.url === '/tiles/1/1/1.png') return void res.writeHead(500).end()
      res.setHeader('Content-Type', 'image/png').end(`tile ${req.url}`)
    })
    const { base } = await node(tiles.origin)
    const dry = await warm(base, ...WORLD, '--zoom', '0-4', '--dry-run', '--rate', '100')
    expect(dry.code).toBe(0)
    expect(JSON.parse(dry.out)).toMatchObject({ tiles: ALL, estimatedSeconds: 4 })
    expect(tiles.total()).toBe(0)
    const failures = join(folder, 'failed.txt')
    const sick = await warm(base, ...WORLD, '--zoom', '0-1', '--retries', '0', '--failures', failures)
    expect(sick.code).toBe(1)
    expect(sick.out).toBe(
      'incomplete: 5 in all, 0 were fresh, 4 fetched (84 bytes), 0 absent, 0 outside, 1 failed',
    )
    expect(sick.err).toContain('1/1/1\tthe origin answered 500')
    expect(await readFile(failures, 'utf8')).toBe('1/1/1\tthe origin answered 500\n')
    const list = join(folder, 'expired.txt')
    await writeFile(list, '2/1/1\n2/1/2\n')
    const expired = await warm(base, '--layer', 'base', '--expiry-list', list)
    expect(expired.out).toMatch(/^done: 2 in all, 0 were fresh, 2 fetched/)
    const log = join(folder, 'access.log')
    const line = (path: string) => `h - - [x] "GET ${path} HTTP/1.1" 200 1\n`
    await writeFile(log, ['/tiles/3/0/0.png', '/tiles/3/1/0.png', '/tiles/3/1/0.png'].map(line).join(''))
    const logged = await warm(base, '--from-log', log, '--top', '1')
    expect(logged.out).toMatch(/^done: 1 in all/)
    expect(tiles.asked.get('/tiles/3/1/0.png')).toBe(1)
    const detached = await warm(base, '--urls', log, '--detach')
    expect(detached).toMatchObject({ code: 1, err: expect.stringContaining('urls[0]') })
    const wrong = await warm(base, '--bbox', '0,0,1,1')
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('--layer') })
    const away = await warm('http://127.0.0.1:1', ...WORLD)
    expect(away).toMatchObject({ code: 1, err: expect.stringContaining("can't be reached") })
    await eventually(() => tiles.total() > 0)
  }, 90_000)
})

import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { startBackend } from '../support/backends.js'
import { until } from '../support/mounted-strata.js'
import { runStrata, serveStrata } from '../support/strata-cli.js'

let folder: string
let close: (() => Promise<unknown>)[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strata-reconcile-'))
  close = []
})
afterEach(async () => {
  for (const step of close.reverse()) await step()
  await rm(folder, { recursive: true, force: true })
})

const embedded = () => ({
  STRATA_BACKEND: 'embedded',
  STRATA_DATA_DIR: folder,
  STRATA_SWEEP_BODY_GRACE_MS: '0',
  STRATA_LIMITS_INLINE_BODY_BYTES: '0',
})

/** `strata reconcile`, to its end. */
async function reconcile(...args: string[]) {
  const strata = runStrata(['reconcile', ...args], embedded())
  const code = await strata.ended
  return { code, out: strata.lines.join('\n'), err: strata.stderr() }
}

async function bodyFiles(): Promise<string[]> {
  const root = join(folder, 'default', 'bodies')
  const names = await readdir(root, { recursive: true, withFileTypes: true })
  return names.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
}

/** A body of two hours ago that no metadata knows. */
async function strayBody(): Promise<void> {
  const place = join(
    folder,
    'default',
    'bodies',
    createHash('sha1').update('l-stray').digest('hex').slice(0, 2),
  )
  await mkdir(place, { recursive: true })
  const old = new Date(Date.now() - 7_200_000)
  await writeFile(join(place, 'l-stray'), 'stray')
  await utimes(join(place, 'l-stray'), old, old)
}

/** A node without a memory tier, in front of an origin whose answers may be stored; until the test is over. */
async function serveOrigin(env: Record<string, string>) {
  const origin = createServer((req, res) =>
    res.setHeader('Cache-Control', 'max-age=600').end(`body of ${req.url}`),
  )
  await once(origin.listen(0, '127.0.0.1'), 'listening')
  close.push(async () => {
    origin.closeAllConnections()
    await new Promise(resolve => origin.close(resolve))
  })
  const url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`
  const node = await serveStrata(['--origin', url], { ...env, STRATA_MEMORY_MAX_BYTES: '0' })
  close.push(async () => {
    node.child.kill('SIGKILL')
    await node.ended
  })
  return node
}

describe('strata reconcile', () => {
  test('beside a running node: strays go, entries without body are dropped, the rest stays', async () => {
    const node = await serveOrigin(embedded())
    const get = async (path: string) => {
      const response = await fetch(node.base + path)
      return { text: await response.text(), cache: response.headers.get('x-cache')!.split(' ')[0] }
    }
    for (const path of ['/a', '/b']) await get(path)
    for (const path of ['/a', '/b']) while ((await get(path)).cache !== 'HIT');
    // Who joins a flight at its end has a hit before it is stored.
    await until('both are stored', async () => {
      const { keys } = (await (await fetch(`${node.base}/admin/cache/keys`)).json()) as { keys: unknown[] }
      return keys.length === 2
    })
    const [lost] = await bodyFiles()
    await rm(lost!)
    await strayBody()
    expect(await bodyFiles()).toHaveLength(2)

    const dry = await reconcile('--dry-run')
    expect(dry).toMatchObject({ code: 0, err: '' })
    expect(dry.out).toMatch(/would be deleted: 1 \(5 bytes.*\n.*would be dropped: 1\./)
    expect(await bodyFiles()).toHaveLength(2)

    const real = await reconcile()
    expect(real).toMatchObject({ code: 0, err: '' })
    expect(real.out).toMatch(/, deleted: \d+ \(5 bytes.*\n.*, dropped: 1\./)
    expect((await bodyFiles()).filter(file => file.endsWith('l-stray'))).toEqual([])
    const jobs = (await (await fetch(`${node.base}/admin/cache/jobs`)).json()) as { jobs: { kind: string }[] }
    expect(jobs.jobs.filter(({ kind }) => kind === 'reconcile')).toHaveLength(2)
    const caches = [(await get('/a')).cache, (await get('/b')).cache]
    expect(caches.sort()).toEqual(['HIT', 'MISS'])
    expect((await reconcile()).out).toMatch(/, dropped: 0\./)
  })

  test('--grace keeps what is younger', async () => {
    await strayBody()
    expect((await reconcile('--grace', '3h')).out).toMatch(/deleted: 0 /)
    expect((await reconcile('--grace', '1h')).out).toMatch(/deleted: 1 /)
    expect(await reconcile('--grace', 'soon')).toMatchObject({
      code: 1,
      err: 'strata: --grace must be a duration, such as 30m or 1h\n',
    })
  })

  test('--rebuild: Redis has lost everything, and all entries are there again', async () => {
    const backend = await startBackend('s3-redis')
    close.push(() => backend.stop())
    const node = await serveOrigin(backend.env)
    const keys = async () => {
      const body = (await (await fetch(`${node.base}/admin/cache/keys`)).json()) as { keys: unknown[] }
      return body.keys.length
    }
    for (const path of ['/a', '/b']) await (await fetch(node.base + path)).text()
    await until('both are stored', async () => (await keys()) === 2)
    const redis = new Redis(backend.redis!.url)
    await redis.flushall()
    redis.disconnect()
    expect(await keys()).toBe(0)

    const strata = runStrata(['reconcile', '--rebuild', '--grace', '0'], backend.env)
    expect(await strata.ended).toBe(0)
    expect(strata.lines.join('\n')).toMatch(/made again from their bodies: 2\.\nBodies .*: 0 /)
    expect(await keys()).toBe(2)
    expect((await fetch(`${node.base}/a`)).headers.get('x-cache')).toMatch(/^HIT/)
  })

  test('the memory store has nothing to reconcile from outside', async () => {
    const strata = runStrata(['reconcile'], { STRATA_BACKEND: 'memory' })
    expect(await strata.ended).toBe(2)
    expect(strata.stderr()).toMatch(/backend: memory keeps everything inside/)
  })
})

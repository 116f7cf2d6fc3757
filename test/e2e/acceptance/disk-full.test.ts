import { afterEach, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { eventually } from '../../support/in-process-proxy.js'
import { patternDigest, startPatternOrigin } from '../../support/pattern-origin.js'
import { createHash } from 'node:crypto'

/** A disk of 64 MiB, in a name space of mounts of the process's own, so that it goes with it. */
const ON_SMALL_DISK =
  'mount -t tmpfs -o size=64m tmpfs "$0" || { echo "this test mounts a tmpfs: it needs root, or user name spaces" >&2; exit 99; }; exec "$@"'

const open: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

const CLI = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url))

/** On a disk of 64 MiB, with no memory tier. */
async function onSmallDisk(settings: Readonly<Record<string, string>> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'strata-full-'))
  open.push(() => rm(folder, { recursive: true, force: true }))
  const origin = await startPatternOrigin()
  open.push(() => origin.stop())
  const args = ['serve', '--origin', origin.url, '--port', '0', '--backend', 'embedded']
  const isRoot = process.getuid?.() === 0
  const child = spawn(
    'unshare',
    [isRoot ? '-m' : '-rm', 'bash', '-c', ON_SMALL_DISK, folder, process.execPath, CLI, ...args],
    {
      env: {
        PATH: process.env.PATH,
        STRATA_DATA_DIR: folder,
        STRATA_MEMORY_MAX_BYTES: '0',
        STRATA_SWEEP_BODY_GRACE_MS: '0',
        // Only when asked.
        STRATA_SWEEP_INTERVAL_MS: '0',
        ...settings,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const ended = once(child, 'close') as Promise<[number | null, string | null]>
  open.push(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const lines: { what?: string }[] = []
  const base = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', text => {
      const line = JSON.parse(text) as { what?: string; addresses?: { port: number }[] }
      lines.push(line)
      if (line.addresses !== undefined) resolve(`http://127.0.0.1:${line.addresses[0]!.port}`)
    })
    void ended.then(([code, signal]) => reject(new Error(`it ended with ${code ?? signal}`)))
  })
  const ask = async (path: string) => {
    const response = await fetch(base + path)
    const body = Buffer.from(await response.arrayBuffer())
    return { status: response.status, digest: createHash('sha256').update(body).digest('hex') }
  }

  const cacheOf = async (path: string) => {
    const response = await fetch(base + path)
    await response.arrayBuffer()
    return response.headers.get('X-Cache')
  }
  return { base, ask, cacheOf, lines, child, ended }
}

const MiB = 1024 ** 2

test('embedded: what can’t be stored is served all the same, and the process lives on', async () => {
  const { base, ask, cacheOf, lines, child, ended } = await onSmallDisk()
  const whole = (size: number) => ({ status: 200, digest: patternDigest(size) })
  // Until there is no room, and well beyond.
  for (let i = 0; i < 30; i++) expect(await ask(`/${4 * MiB}?${i}`)).toEqual(whole(4 * MiB))
  const small = whole(3000)
  for (let at = 0; at < 3000; at += 50) {
    const answers = await Promise.all(
      [...Array(50).keys()].map(i => ask(`/3000?${at + i}-${'x'.repeat(900)}`)),
    )
    expect(answers).toEqual(Array(50).fill(small))
  }
  // What was stored before is there still, and can be purged: that makes room again.
  expect(await cacheOf(`/${4 * MiB}?0`)).toBe('HIT')
  expect(await cacheOf(`/${4 * MiB}?29`)).toBe('MISS')
  const purged = await fetch(`${base}/admin/cache/invalidate`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ all: true, confirm: true }),
  })
  expect(purged.status).toBe(200)
  await eventually(async () => {
    await fetch(`${base}/admin/cache/sweep`, { method: 'POST' })
    await ask(`/${4 * MiB}?again`)
    return (await cacheOf(`/${4 * MiB}?again`)) === 'HIT'
  })
  expect(lines.some(({ what }) => what === 'fill-failed')).toBe(true)
  expect(child.exitCode ?? child.signalCode).toBeNull()
  expect((await fetch(`${base}/health`)).status).toBe(200)
  child.kill('SIGTERM')
  expect((await ended)[0]).toBe(0)
})

test('embedded: small bodies that have filled the disk make room for new ones, though the file never gets smaller', async () => {
  const { base, cacheOf, lines, child, ended } = await onSmallDisk()
  const said = () => lines.filter(({ what }) => what === 'store-full').length
  // Each of its own size, so that no two are equal: equal ones are stored once.
  for (let at = 0; said() === 0; at += 50)
    await Promise.all([...Array(50).keys()].map(i => cacheOf(`/${8000 + at + i}`)))
  const sweep = () => fetch(`${base}/admin/cache/sweep`, { method: 'POST' })
  // Several times over: each time there is room only where something was before.
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 30; i++) {
      await eventually(async () => {
        if ((await cacheOf(`/${7000 + 100 * round + i}`)) === 'HIT') return true
        await sweep()
        return false
      })
    }
  }
  expect(child.exitCode ?? child.signalCode).toBeNull()
  child.kill('SIGTERM')
  expect((await ended)[0]).toBe(0)
})

import { afterAll, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { Tally } from './rig/tally.js'
import { makeReflector, serveOn } from './rig/reflector.js'
import { ask, bytesOf, send } from './rig/wire.js'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serveStrata } from '../support/strata-cli.js'

/** The command itself under bytes of all kinds: it lives, answers, and its memory stays as it was. */

const attacks = new Tally()
afterAll(() => attacks.report())

/** Bytes from a fixed seed, so that a failure can be seen again. */
function* noise(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state >>> 24
  }
}

const VALID = bytesOf({
  method: 'POST',
  target: '/a?b',
  fields: [
    ['X', 'y'],
    ['Accept', '*/*'],
  ],
  body: 'content',
})

function mutated(bytes: Generator<number>): Buffer {
  const next = () => bytes.next().value as number
  const out = Buffer.from(VALID, 'latin1')
  for (let times = 1 + (next() % 6); times > 0; times--) out[(next() * 256 + next()) % out.length] = next()
  return out.subarray(0, out.length - (next() % 4 === 0 ? next() % out.length : 0))
}

test('garbage, broken requests and connections that are cut: the process lives, and is no larger', async () => {
  const { listener } = makeReflector()
  const origin = await serveOn(listener)
  const dataDir = mkdtempSync(join(tmpdir(), 'strata-survival-'))
  const strata = await serveStrata(
    ['--origin', `http://127.0.0.1:${origin.port}`, '--backend', 'memory', '--data-dir', dataDir],
    {
      STRATA_LOG_ACCESS: 'false',
    },
  )
  try {
    const bytes = noise(7)
    const batch = async (times: number) => {
      for (let i = 0; i < times; i++) {
        const sent: Promise<string>[] = []
        for (let lane = 0; lane < 10; lane++) {
          const garbage = Buffer.from(Array.from({ length: 200 }, () => bytes.next().value))
          sent.push(send(strata.port, mutated(bytes), undefined, { halfClose: true }))
          sent.push(send(strata.port, garbage, undefined, { halfClose: true }))
          sent.push(send(strata.port, bytesOf({ target: `/${lane}`, fields: [['X-Any', `${i}-${lane}`]] })))
        }
        await Promise.all(sent)
      }
    }
    const rss = () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${strata.child.pid}/status`, 'utf8'))?.[1] ?? 0)
    const before = process.platform === 'linux'
    await batch(15)
    const warm = before ? rss() : 0
    await batch(30)
    const after = before ? rss() : 0
    process.stdout.write(
      `memory of the proxy: ${Math.round(warm / 1024)} MiB before, ${Math.round(after / 1024)} MiB after 1350 attacks\n`,
    )
    for (let i = 0; i < 1350; i++) attacks.record('garbage', undefined)
    attacks.record('memory', after > warm + 64 * 1024 && `${warm} kB before, ${after} kB after`)
    const got = await ask(strata.port, { target: '/alive' })
    attacks.record('life', (got.status !== 200 || strata.child.exitCode !== null) && strata.stderr())
  } finally {
    strata.child.kill('SIGTERM')
    await strata.ended
    await origin.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
  expect(attacks.succeeded).toEqual([])
}, 120_000)

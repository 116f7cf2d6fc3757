import { readdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { Redis } from 'ioredis'
import type { Failpoint } from '../../../src/engine/failpoints.js'
import type { Page } from './origin.js'
import type { Random } from './random.js'
import { startRig, type Rig, type RigOptions } from './rig.js'

/** Where a process is killed in the middle of a fill. */
export const CRASH_POINTS: readonly Failpoint[] = [
  'before-reserve',
  'after-reserve',
  'mid-body',
  'before-commit',
  'commit-sent',
  'after-commit',
]

export interface CrashRun {
  readonly backend: RigOptions['backend']
  readonly random: Random
  /** Kills at each of these points. */
  readonly times: number
  readonly points?: readonly Failpoint[]
  readonly onKill?: (point: Failpoint, kills: number) => void
}

export interface CrashResult {
  readonly kills: number
  /** What was served that should not have been, or is left that should not be. */
  readonly faults: readonly string[]
  /** Objects (or files) that lie in the store's body place at the end, and entries that refer to them. */
  readonly bodiesLeft: number
  readonly bodiesReferred: number
}

const RESERVATION_MS = 1000
const SWEPT_WITHIN_MS = 20_000
const KILLED_WITHIN_MS = 10_000

/** Kills a node at each failpoint of a fill, starts it again, asks for everything, sweeps, and counts what lies about. */
export async function crashes({
  backend,
  random,
  times,
  points = CRASH_POINTS,
  onKill,
}: CrashRun): Promise<CrashResult> {
  const env = {
    STRATA_LIMITS_RESERVATION_MS: String(RESERVATION_MS),
    STRATA_SWEEP_BODY_GRACE_MS: '0',
    // Each step of a fill has to take place.
    STRATA_LIMITS_INLINE_BODY_BYTES: '0',
  }
  const rig = await startRig({ backend, nodes: 1, env })
  const { node } = rig.stations[0]!
  const faults: string[] = []
  let kills = 0
  try {
    for (const point of points) {
      for (let i = 0; i < times; i++) {
        const page = pageOf(`/${point}/${i}`, random)
        rig.oracle.watch(page.path)
        rig.origin.add(page)
        // The fill that is killed is the first of its URL, or one that takes the place of what a purge has killed.
        if (random.chance(0.5)) {
          await ask(rig, page.path)
          rig.origin.bump(page.path)
          await purge(rig, page.path)
        }
        node.order({ point, action: 'kill' })
        await ask(rig, page.path)
        if (await killedSoon(rig)) kills++
        else faults.push(`${page.path}: the failpoint was not reached`)
        onKill?.(point, kills)
        await node.kill()
        await node.start()
        await ask(rig, page.path)
      }
    }
    // Scan: every URL, twice, from a node that knows nothing by heart.
    await node.kill()
    await node.start()
    for (const path of [...rig.origin.paths(), ...rig.origin.paths()]) {
      const status = await ask(rig, path)
      if (status !== 200) faults.push(`${path}: ${status} after all restarts`)
    }
    const { left, referred } = await sweptClean(rig)
    for (const { url, message } of rig.oracle.violations) faults.push(`${url}: ${message}`)
    return { kills, faults, bodiesLeft: left, bodiesReferred: referred }
  } finally {
    await rig.stop()
  }
}

function pageOf(path: string, random: Random): Page {
  const shape = { cacheControl: 'max-age=3600', tags: [], varies: false, validates: false }
  return { ...shape, path, size: random.pick([700, 700, 400_000]), chunked: random.chance(0.5) }
}

async function ask(rig: Rig, path: string): Promise<number> {
  const { node } = rig.stations[0]!
  const expected = rig.oracle.requestSent(path, node.name, 'none')
  const reply = await node.client.ask(path)
  rig.oracle.answered(expected, reply)
  return reply.status
}

async function purge(rig: Rig, path: string): Promise<void> {
  const sent = rig.oracle.purgeSent([path], 'purge', false)
  const body = JSON.stringify({ urls: [path] })
  const reply = await rig.stations[0]!.node.client.ask('/admin/cache/invalidate', { method: 'POST', body })
  rig.oracle.purgeAnswered(sent, String(reply.status), reply.status === 200)
  // Its sweep is to be over: bodies whose deletion is cut off are only handed out again a minute later.
  await sweep(rig)
}

/** The fill goes on after its client has had all: the kill comes when it comes. */
async function killedSoon(rig: Rig): Promise<boolean> {
  const { node } = rig.stations[0]!
  const late = new AbortController()
  const inVain = sleep(KILLED_WITHIN_MS, false, { signal: late.signal }).catch(() => false)
  const killed = await Promise.race([node.exited().then(() => true), inVain])
  late.abort()
  return killed
}

async function sweep(rig: Rig): Promise<void> {
  const reply = await rig.stations[0]!.node.client.ask('/admin/cache/sweep', { method: 'POST' })
  if (reply.status >= 300) throw new Error(`the sweep answered ${reply.status}: ${reply.body.toString()}`)
}

/** Sweeps until no body lies there that nothing refers to; gives the last count when that does not come. */
async function sweptClean(rig: Rig): Promise<{ left: number; referred: number }> {
  const { client } = rig.stations[0]!.node
  const until = performance.now() + SWEPT_WITHIN_MS
  for (;;) {
    await sweep(rig)
    const status = await client.ask('/admin/cache/status')
    const { bodies: referred } = JSON.parse(status.body.toString()) as { bodies: number }
    const left = await countBodies(rig)
    if (left === referred || performance.now() > until) return { left, referred }
    await sleep(RESERVATION_MS / 4)
  }
}

async function countBodies({ backend }: Rig): Promise<number> {
  if (backend.s3 !== undefined) return (await s3Objects(backend.s3)).length
  if (backend.redis !== undefined) return redisBodies(backend.redis.url)
  const folder = join(backend.folder, 'default', 'bodies')
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  // As if it had crashed a while ago: what was written to just now could be the work of a process that can't be seen from here.
  const longAgo = new Date(Date.now() - 120_000)
  for (const file of files) if (file.startsWith(join(folder, 'tmp'))) await utimes(file, longAgo, longAgo)
  return files.length
}

type S3 = NonNullable<Rig['backend']['s3']>

async function s3Objects(s3: S3): Promise<string[]> {
  const client = new S3Client({
    endpoint: s3.endpoint,
    region: s3.region,
    forcePathStyle: true,
    credentials: { accessKeyId: s3.accessKey, secretAccessKey: s3.secretKey },
  })
  try {
    const found = await client.send(new ListObjectsV2Command({ Bucket: s3.bucket, Prefix: s3.prefix }))
    // What says when the last purge was is no body.
    return (found.Contents ?? []).map(({ Key }) => Key!).filter(key => !key.includes('/_purged/'))
  } finally {
    client.destroy()
  }
}

/** Every body has one key of its own, whatever chunks it has beside it. */
async function redisBodies(url: string): Promise<number> {
  const redis = new Redis(url)
  try {
    return (await redis.keys('*}:b')).length
  } finally {
    redis.disconnect()
  }
}

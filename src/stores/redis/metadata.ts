import { randomBytes } from 'node:crypto'
import type {
  CommitOptions,
  CommitResult,
  Entry,
  EntryHandle,
  EntryUse,
  FenceState,
  Lookup,
  MarksPage,
  MetadataStore,
  Usage,
} from '../../engine/ports/index.js'
import type { RedisClient } from './client.js'
import { rethrow } from './errors.js'
import { missingBody } from '../local/body-id.js'
import { listEntries } from './listing.js'
import { packBody, packName, unpackBody, unpackName } from './names.js'
import { bytesOf, listOf, numberOf, textOf } from './reply.js'
import { readRows, rowParts } from './row.js'
import { REIGN } from './scripts/prelude.js'
import { scriptRunner, type ScriptArgument, type ScriptRunner } from './script-runner.js'

export interface RedisMetadataOptions {
  readonly redis: RedisClient
  /** Applications that share one Redis are told apart by it: `[A-Za-z0-9_.-]{1,64}`. */
  readonly namespace: string
  /** Wall clock, ms. */
  readonly now?: () => number
}

/** Names a script takes at most at once: it runs for a few milliseconds, and nothing else runs meanwhile. */
const BATCH = 128

/**
 * Entries, fence and ledger in Redis, all keys of a namespace in one hash slot (Redis Cluster). The connection stays its
 * maker's: `close` does not end it.
 */
export function redisMetadataStore(options: RedisMetadataOptions): MetadataStore {
  return new RedisMetadataStore(options)
}

class RedisMetadataStore implements MetadataStore {
  readonly name = 'redis'
  readonly #redis: RedisClient
  readonly #prefix: string
  readonly #scripts: ScriptRunner
  readonly #now: () => number
  #seen: FenceState = { epoch: '', seq: 0 }

  constructor({ redis, namespace, now = Date.now }: RedisMetadataOptions) {
    this.#redis = redis
    this.#prefix = `{strata:${namespace}}:`
    this.#scripts = scriptRunner(redis, `${this.#prefix}f`)
    this.#now = now
  }

  async lookup(key: string): Promise<Lookup> {
    const [epoch, seq, value] = listOf(await this.#scripts.run('lookup', random(), packName(key)))
    const entries = value === null ? [] : readRows(key, bytesOf(value)).map(({ entry }) => entry)
    const read = { epoch: textOf(epoch), seq: numberOf(seq) }
    const fence = this.#observe(read)
    return { entries, fence: fence === read ? read : await fence }
  }

  async commit(entry: Entry, options: CommitOptions): Promise<CommitResult> {
    const { variant, body, blob } = rowParts(entry)
    const { checked, expectBody, unlessNewer } = options
    const condition = expectBody !== undefined ? '1' : unlessNewer === true ? '2' : '0'
    const reply = listOf(
      await this.#scripts.run(
        'commit',
        ...[random(), this.#now(), packName(entry.key), variant, body, entry.body.size],
        ...[entry.responseTime, clampTime(entry.uselessAt), blob, checked.epoch, checked.seq],
        ...[entry.stamp.epoch, entry.stamp.seq, condition, packBody(expectBody ?? '')],
        ...[options.maxVariants, options.inline ?? '', ...(options.replaces ?? []).map(packName)],
      ),
    )
    const outcome = textOf(reply[0])
    switch (outcome) {
      case 'ok':
        return { ok: true }
      case 'fence':
        return { ok: false, reason: 'fence', fence: await this.#observe(fenceOf(reply.slice(1))) }
      case 'expired-stamp':
      case 'body':
      case 'gone':
        return { ok: false, reason: outcome }
      default:
        throw new Error(`the commit script answered ${outcome}`)
    }
  }

  async inlineBody(id: string): Promise<Buffer> {
    const name = Buffer.concat([Buffer.from(`${this.#prefix}j:`), packBody(id)])
    const bytes = await this.#redis.getBuffer(name).catch(rethrow)
    if (bytes === null) throw missingBody(id)
    return bytes
  }

  async remove(handles: readonly EntryHandle[]): Promise<number> {
    const args = handles.map(({ key, variant, bodyId }) => [
      packName(key),
      packName(variant),
      packBody(bodyId),
    ])
    const now = this.#now()
    // Sent together: Redis answers others between them, and nobody waits for a round trip each.
    const runs = [...batches(args)].map(batch => this.#scripts.run('remove', now, ...batch.flat()))
    const went = await Promise.all(runs)
    return went.map(numberOf).reduce((sum, each) => sum + each, 0)
  }

  async invalidate(marks: readonly string[]): Promise<FenceState> {
    const { epoch, seq } = this.#seen
    const fence = fenceOf(listOf(await this.#scripts.run('invalidate', random(), epoch, seq, ...marks)))
    return this.#observe(fence)
  }

  async marksAfter(seq: number, limit: number): Promise<MarksPage> {
    const reply = listOf(await this.#scripts.run('marksAfter', random(), seq, limit))
    const read = fenceOf(reply)
    const fence = await this.#observe(read)
    // Another epoch than the page was read in: none of its marks, and all that was before is dead.
    if (fence !== read) return { fence, marks: [], floor: 0, retired: 0 }
    const marks = listOf(reply[4])
      .map(bytesOf)
      .map(member => ({ seq: member.readUIntBE(0, 6), mark: member.toString('utf8', 9) }))
    return { fence, marks, floor: numberOf(reply[2]), retired: numberOf(reply[3]) }
  }

  async retireMarks(upTo: number, fold: boolean): Promise<void> {
    await this.#scripts.run('retireMarks', random(), this.#seen.epoch, upTo, fold ? '1' : '0')
  }

  async markCount(): Promise<number> {
    return numberOf(await this.#scripts.run('markCount', random()))
  }

  list(limit: number, cursor?: string) {
    return listEntries(this.#scripts, limit, cursor)
  }

  async use(key: string, variant: string): Promise<EntryUse | undefined> {
    const name = Buffer.concat([Buffer.from(`${this.#prefix}k:`), packName(key)])
    const row = readRows(key, await this.#redis.getBuffer(name).catch(rethrow)).find(
      ({ entry }) => entry.variant === variant,
    )
    return row && { hits: row.hits, lastAccess: row.lastAccess }
  }

  async touch(uses: readonly { key: string; variant: string; hits: number; at: number }[]): Promise<void> {
    const args = uses.map(({ key, variant, hits, at }) => [
      packName(key),
      packName(variant),
      hits,
      Math.trunc(at),
    ])
    for (const batch of batches(args)) await this.#scripts.run('touch', ...batch.flat())
  }

  async usage(): Promise<Usage> {
    const reply = listOf(await this.#scripts.run('usage'))
    const [entries = 0, entryBytes = 0, bodies = 0, bodyBytes = 0] = reply.slice(0, 4).map(numberOf)
    const [oldest, newest] = reply.slice(4).map(textOf)
    const times = oldest && newest ? { oldest: Number(oldest), newest: -Number(newest) } : {}
    return { entries, entryBytes, bodies, bodyBytes, ...times }
  }

  leastRecent(limit: number) {
    return this.#lowest(1, Number.MAX_SAFE_INTEGER, limit)
  }

  async useless(now: number, limit: number): Promise<readonly EntryHandle[]> {
    return (await this.#lowest(2, now, limit)).map(({ key, variant, bodyId }) => ({ key, variant, bodyId }))
  }

  async reserveBody(id: string, until: number): Promise<'present' | 'reserved' | 'busy'> {
    const reply = textOf(await this.#scripts.run('reserveBody', packBody(id), until))
    if (reply === 'present' || reply === 'reserved' || reply === 'busy') return reply
    throw new Error(`the reserveBody script answered ${reply}`)
  }

  async releaseBody(id: string): Promise<void> {
    await this.#scripts.run('releaseBody', this.#now(), packBody(id))
  }

  async orphans(now: number, limit: number): Promise<readonly string[]> {
    return listOf(await this.#scripts.run('orphans', now, limit, this.#now()))
      .map(bytesOf)
      .map(unpackBody)
  }

  async forget(ids: readonly string[]): Promise<void> {
    for (const batch of batches(ids.map(packBody))) await this.#scripts.run('forget', ...batch)
  }

  async unknownBodies(ids: readonly string[]): Promise<readonly string[]> {
    const unknown: string[] = []
    for (const batch of batches(ids)) {
      const known = listOf(await this.#scripts.run('knownBodies', ...batch.map(packBody)))
      unknown.push(...batch.filter((_, i) => known[i] === 0))
    }
    return unknown
  }

  async ping(): Promise<void> {
    await this.#redis.ping().catch(rethrow)
  }

  async close(): Promise<void> {}

  async #lowest(order: 1 | 2, cap: number, limit: number): Promise<(EntryHandle & { size: number })[]> {
    for (;;) {
      const [evicted, ...flat] = listOf(await this.#scripts.run('lowest', order, cap, limit))
      const found = []
      for (let i = 0; i < flat.length; i += 4) {
        const key = unpackName(bytesOf(flat[i]))
        const variant = unpackName(bytesOf(flat[i + 1]))
        found.push({ key, variant, bodyId: unpackBody(bytesOf(flat[i + 2])), size: numberOf(flat[i + 3]) })
      }
      // Names without an entry took places; they are out of the index now, so it ends.
      if (numberOf(evicted) === 0 || found.length >= limit) return found
    }
  }

  /**
   * Notes the newest fence. A seq below one that this epoch had already, or one of another reign that begins below it, means that
   * writes were lost (a replica took over, an old snapshot was loaded), invalidations among them: then a new epoch begins, and
   * everything before is a miss.
   */
  #observe(fence: FenceState): FenceState | Promise<FenceState> {
    const seen = this.#seen
    const isNext = fence.seq >= seen.seq && reignOf(fence) === reignOf(seen)
    if (fence.epoch !== seen.epoch || isNext) {
      this.#seen = fence
      return fence
    }
    return this.#renew(fence, seen)
  }

  async #renew(fence: FenceState, seen: FenceState): Promise<FenceState> {
    const now = fenceOf(listOf(await this.#scripts.run('renewEpoch', random(), seen.epoch, seen.seq)))
    if (now.epoch === fence.epoch) {
      // Two replies out of order, or a restart that has lost nothing.
      if (now.epoch === this.#seen.epoch && fence.seq > this.#seen.seq) this.#seen = fence
      return fence
    }
    this.#seen = now
    return now
  }
}

/** A server that takes over goes on from the next multiple (scripts/prelude.ts). */
function reignOf({ seq }: FenceState): number {
  return Math.floor(seq / REIGN)
}

/** Name of an epoch, should one begin with this call: 48 random bits, short because every entry holds it. */
function random(): string {
  return randomBytes(6).toString('base64url')
}

function fenceOf([epoch, seq]: readonly unknown[]): FenceState {
  return { epoch: textOf(epoch), seq: numberOf(seq) }
}

/** Six bytes hold times up to the year 10889; "never" is that. */
function clampTime(ms: number): ScriptArgument {
  return Math.min(Math.trunc(ms), 2 ** 48 - 1)
}

function* batches<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let i = 0; i < all.length; i += BATCH) yield all.slice(i, i + BATCH)
}

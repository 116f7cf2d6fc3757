import type { BodyListing } from '../../engine/ports/index.js'
import { StrataError } from '../../errors.js'
import type { RedisClient } from './client.js'
import { rethrow } from './errors.js'

/** Which bodies there are, for the reconciler: names in small hashes, which Redis keeps as listpacks. */
export interface BodyIndex {
  add(id: string, size: number): Promise<void>
  remove(id: string): Promise<void>
  list(limit: number, cursor?: string): Promise<BodyListing>
}

const BUCKETS = 4096
const AT_ONCE = 64

/** `{strata:<namespace>}:n<bucket>`: hash, body → size (6 bytes), time (6 bytes). */
export function bodyIndex(redis: RedisClient, namespace: string, now: () => number): BodyIndex {
  const keyOf = (bucket: number) => `{strata:${namespace}}:n${bucket}`

  async function bucketAt(bucket: number) {
    const all = await redis.hgetallBuffer(keyOf(bucket)).catch(rethrow)
    return Object.entries(all)
  }

  return {
    async add(id, size) {
      const row = Buffer.alloc(12)
      row.writeUIntBE(size, 0, 6)
      row.writeUIntBE(now(), 6, 6)
      await redis.hset(keyOf(bucketOf(id)), id, row).catch(rethrow)
    },

    async remove(id) {
      await redis.hdel(keyOf(bucketOf(id)), id).catch(rethrow)
    },

    async list(limit, cursor) {
      const [from, after] = cursor === undefined ? [0, ''] : parseCursor(cursor)
      const bodies: { id: string; size: number; modified: number }[] = []
      for (let first = from; first < BUCKETS; first += AT_ONCE) {
        const count = Math.min(AT_ONCE, BUCKETS - first)
        const buckets = await Promise.all(Array.from({ length: count }, (_, i) => bucketAt(first + i)))
        for (const [i, rows] of buckets.entries()) {
          const named = rows.map(([id, row]) => ({ id, row }))
          for (const { id, row } of named.sort((a, b) => (a.id < b.id ? -1 : 1))) {
            if (first + i === from && id <= after) continue
            if (bodies.length === limit) return { bodies, cursor: cursorAfter(bodies.at(-1)!.id) }
            bodies.push({ id, size: row.readUIntBE(0, 6), modified: row.readUIntBE(6, 6) })
          }
        }
      }
      return { bodies }
    },
  }
}

function cursorAfter(id: string): string {
  return `${bucketOf(id)}.${id}`
}

function bucketOf(id: string): number {
  let hash = 0
  for (let i = 0; i < id.length; i++) hash = (hash * 31 + id.charCodeAt(i)) & 0xffff
  return hash % BUCKETS
}

function parseCursor(cursor: string): [number, string] {
  const match = /^(\d{1,4})\.([A-Za-z0-9_-]{1,64})$/.exec(cursor)
  if (match === null)
    throw new StrataError('STRATA_BAD_REQUEST', 'this cursor is not one of a list of bodies')
  return [Number(match[1]), match[2]!]
}

import { createHash } from 'node:crypto'

/** Entries as fills make them, for stores that are filled without an origin. */

const URL_LENGTH = 100
const BEGIN = 'http://tiles.example/maps/roads/'

/**
 * An entry for the i-th URL of 100 characters, with two tags and a body of its own.
 * @param {number} i @param {{ epoch: string, seq: number }} stamp @param {number} now ms
 */
export function entryOf(i, stamp, now) {
  const url = BEGIN + String(i).padStart(URL_LENGTH - BEGIN.length - 4, '0') + '.png'
  const digest = createHash('sha256').update(`body ${i}`).digest('base64url')
  return {
    key: createHash('sha256').update(url).digest('base64url'),
    variant: '',
    method: 'GET',
    status: 200,
    reason: 'OK',
    fields: [
      ...['Content-Type', 'image/png', 'Content-Length', '10240', 'Cache-Control', 'public, max-age=86400'],
      ...['ETag', '"5f3c-62a1b7"', 'Last-Modified', 'Tue, 03 Nov 2026 08:00:00 GMT'],
      ...['Date', 'Fri, 20 Nov 2026 08:00:00 GMT'],
    ],
    requestTime: now - 20,
    responseTime: now,
    selecting: [],
    url,
    stamp,
    tags: ['layer:roads', `block:${i % 1000}`],
    body: { id: `s-${digest}`, size: 10_240, digest, chunkSize: 0, checks: new Uint8Array(0) },
    uselessAt: now + 86_400_000,
  }
}

/**
 * Commits entries `from` to `to`, many at once.
 * @param {any} store a MetadataStore @param {number} from @param {number} to
 */
export async function fill(store, from, to) {
  const { fence } = await store.lookup(entryOf(0, { epoch: '', seq: 0 }, 0).key)
  let next = from
  const worker = async () => {
    while (next < to) await commit(store, entryOf(next++, fence, Date.now()), fence)
  }
  await Promise.all(Array.from({ length: 256 }, worker))
}

/** @throws Error when the store refuses it: the study would be of something else */
export async function commit(store, entry, fence) {
  await store.reserveBody(entry.body.id, Date.now() + 60_000)
  const result = await store.commit(entry, { checked: fence, maxVariants: 64 })
  if (!result.ok) throw new Error(`the commit was refused: ${result.reason}`)
}

import { createHash } from 'node:crypto'

/** Entries as fills make them, for stores that are filled without an origin. */

const URL_LENGTH = 100
const BEGIN = 'http://tiles.example/maps/roads/'

/**
 * An entry for the i-th URL of 100 characters, with two tags and a body of its own; a map tile of zoom 0 to 22 that `COUNTRY` has in it.
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
    tile: tileOf(i),
    body: { id: `s-${digest}`, size: 10_240, digest, chunkSize: 0, checks: new Uint8Array(0) },
    uselessAt: now + 86_400_000,
  }
}

/** The tile of a zoom over Zürich. @param {number} i */
function tileOf(i) {
  const z = i % 23
  const [x, y] = [(8.54 + 180) / 360, 0.5 - Math.asinh(Math.tan((47.37 * Math.PI) / 180)) / (2 * Math.PI)]
  return { layer: 'roads', set: 'WebMercatorQuad', z, x: Math.floor(x * 2 ** z), y: Math.floor(y * 2 ** z) }
}

/** A polygon as large as Switzerland, with as many corners as are kept of one. */
export const COUNTRY = {
  type: 'Polygon',
  coordinates: [
    Array.from({ length: 1001 }, (_, i) => {
      const turn = (2 * Math.PI * (i % 1000)) / 1000
      const reach = 1 + 0.2 * Math.sin(17 * turn)
      return [8.2 + 2.3 * reach * Math.cos(turn), 46.8 + reach * Math.sin(turn)]
    }),
  ],
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

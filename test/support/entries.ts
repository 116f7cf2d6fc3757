import { createHash } from 'node:crypto'
import type {
  BodyRef,
  CommitOptions,
  CommitResult,
  Entry,
  MetadataStore,
} from '../../src/engine/ports/index.js'

/** A fixed moment in the past (2026-01-01), ms: entries of tests count their times from it. */
export const T0 = 1_767_225_600_000

/** A primary key as the engine makes them: SHA-256, base64url, 43 characters. */
export function sampleKey(seed: string | number): string {
  return createHash('sha256').update(`key ${seed}`).digest('base64url')
}

/** A small body's reference: equal `text` gives the same id, as equal bodies do. */
export function sampleBody(text: string | Buffer, size = Buffer.byteLength(text)): BodyRef {
  const digest = createHash('sha256').update(text).digest('base64url')
  return { id: `s-${digest}`, size, digest, chunkSize: 0, checks: new Uint8Array(0) }
}

/** A valid entry; give what matters to the test. Its stamp is that of no store: `storeEntry` sets it. */
export function sampleEntry(overrides: Partial<Entry> = {}): Entry {
  const key = overrides.key ?? sampleKey('sample')
  const variant = overrides.variant ?? ''
  return {
    key,
    variant,
    method: 'GET',
    status: 200,
    reason: 'OK',
    fields: ['Content-Type', 'image/png', 'Cache-Control', 'max-age=60', 'Vary', 'Accept-Encoding'],
    requestTime: (overrides.responseTime ?? T0) - 20,
    responseTime: T0,
    selecting: [{ name: 'accept-encoding', value: null }],
    url: `http://tiles.example/${key.slice(0, 8)}.png`,
    stamp: { epoch: 'none', seq: 0 },
    tags: ['layer:roads'],
    body: sampleBody(`body of ${key} ${variant}`),
    uselessAt: (overrides.responseTime ?? T0) + 3_600_000,
    ...overrides,
  }
}

/** Reserves the body and commits the entry, stamped and checked with the store's fence of now. */
export async function storeEntry(
  store: MetadataStore,
  overrides: Partial<Entry> = {},
  options: Partial<CommitOptions> = {},
): Promise<{ entry: Entry; result: CommitResult }> {
  const draft = sampleEntry(overrides)
  const { fence } = await store.lookup(draft.key)
  const entry = { ...draft, stamp: overrides.stamp ?? fence }
  if (entry.body.id !== '') await store.reserveBody(entry.body.id, T0)
  const result = await store.commit(entry, { checked: fence, maxVariants: 100, ...options })
  return { entry, result }
}

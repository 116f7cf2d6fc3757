import type { StoredResponse } from '../../http/stored-response.js'
import type { TileRef } from './tile-book.js'

export type { RawFields } from '../../http/fields.js'
export type { SelectingField, StoredRange, StoredResponse } from '../../http/stored-response.js'

/** Where an entry stands in the order of invalidations: it is dead for every mark with a greater seq that concerns it. */
export interface Stamp {
  /** Names the life of the store's counter; an entry of another epoch is a miss. */
  readonly epoch: string
  /** Value of the counter before the origin was contacted. */
  readonly seq: number
}

/** How an entry finds and checks its body. */
export interface BodyRef {
  /** Immutable name in the BodyStore, `[A-Za-z0-9_-]{1,64}`; '' when the body is empty. Equal small bodies share one id. */
  readonly id: string
  /** Length in bytes. */
  readonly size: number
  /** SHA-256, base64url, of a small body; '' for a large one. */
  readonly digest: string
  /** Bytes that each checksum covers; 0 for a small body. */
  readonly chunkSize: number
  /** CRC-32 of each chunk of a large body, 4 bytes little-endian each; empty for a small one. */
  readonly checks: Uint8Array
}

/** One stored response: its metadata. `(key, variant)` names it. */
export interface Entry extends StoredResponse {
  /** Primary key: SHA-256, base64url, 43 characters. */
  readonly key: string
  /** Variant under the key: '' or up to 43 base64url characters. */
  readonly variant: string
  /** Effective request URL, for lists, patterns and prefixes. */
  readonly url: string
  readonly stamp: Stamp
  readonly tags: readonly string[]
  /** Which tile it is, for entries of map layers. */
  readonly tile?: TileRef
  readonly body: BodyRef
  /** From this time on (ms since the epoch) no request can use the entry: a sweep may remove it. */
  readonly uselessAt: number
}

/** Names one entry as it was when read: `bodyId` keeps a later one under the same name from being taken for it. */
export interface EntryHandle {
  readonly key: string
  readonly variant: string
  readonly bodyId: string
}

/** How an entry was used. */
export interface EntryUse {
  /** Times it answered a request. */
  readonly hits: number
  /** Last access, ms since the epoch. */
  readonly lastAccess: number
}

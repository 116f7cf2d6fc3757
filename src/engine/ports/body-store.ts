import type { Readable } from 'node:stream'

/** Takes one body as it streams in. After `finish` has resolved the body can be read under its id; before, it cannot. */
export interface BodySink {
  /**
   * The chunk must not change any more. Returns undefined when more may be written at once, or a promise to wait for (back-pressure).
   * Rejects when the backend fails.
   */
  write(chunk: Uint8Array): Promise<void> | undefined
  /** Resolves when the whole body is stored. */
  finish(): Promise<void>
  /** Drops what was written; never rejects. */
  abort(): Promise<void>
}

/** Byte positions, inclusive. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

/** Where a stream of a body gets the memory of its pieces. */
export interface PieceMemory {
  take(bytes: number): Buffer
}

export interface BodyListing {
  readonly bodies: readonly { readonly id: string; readonly size: number; readonly modified: number }[]
  /** Undefined at the end. */
  readonly cursor?: string
}

/**
 * What a store of bodies can keep beside them for the day when the metadata is lost: a note with each body, and up to when there may
 * have been invalidations. Rejects like the BodyStore.
 */
export interface BodyNotes {
  /** Undefined: no such body, or it came without a note. */
  read(id: string): Promise<string | undefined>
  /** The latest time that was given to `raiseHorizon`, by whichever node, ms since the epoch; 0 when there was none. */
  horizon(): Promise<number>
  /** Resolves when it is durable. An earlier time than one before changes nothing. */
  raiseHorizon(to: number): Promise<void>
}

/**
 * The body port: immutable byte strings by id (`[A-Za-z0-9_-]{1,64}`). It checks no digests (the engine does, on every read).
 * Reads reject with STRATA_BODY_MISSING when the id is unknown, and with STRATA_STORE_UNAVAILABLE when the backend fails; a
 * stream that breaks off is destroyed with an error, never ended.
 */
export interface BodyStore {
  readonly name: string
  /** @param note kept with the body, where the store has `notes` (printable ASCII, at most 1,900 characters) */
  sink(id: string, note?: string): BodySink
  /** Stores a small body whole. Writing the same id again is harmless. */
  put(id: string, bytes: Uint8Array, note?: string): Promise<void>
  /** A small body whole. */
  get(id: string): Promise<Buffer>
  /**
   * A stream of the body, or of a part of it.
   * @param memory for its pieces, where the store fills them itself
   */
  read(id: string, range?: ByteRange, memory?: PieceMemory): Promise<Readable>
  /** Deletes; unknown ids are no error. */
  remove(ids: readonly string[]): Promise<void>
  /** All bodies, page by page (for the reconciler). */
  list(limit: number, cursor?: string): Promise<BodyListing>
  /** Removes what writers that crashed have left behind, where that takes room; part of each sweep. */
  clean?(): Promise<void>
  /** Absent where nothing can be kept beside bodies. */
  readonly notes?: BodyNotes
  ping(): Promise<void>
  close(): Promise<void>
}

import type { Readable } from 'node:stream'

/** Takes one body as it streams in. After `finish` has resolved the body can be read under its id; before, it cannot. */
export interface BodySink {
  /** Returns undefined when more may be written at once, or a promise to wait for (back-pressure). Rejects when the backend fails. */
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

export interface BodyListing {
  readonly bodies: readonly { readonly id: string; readonly size: number; readonly modified: number }[]
  /** Undefined at the end. */
  readonly cursor?: string
}

/**
 * The body port: immutable byte strings by id (`[A-Za-z0-9_-]{1,64}`). It checks no digests (the engine does, on every read).
 * Reads reject with STRATA_BODY_MISSING when the id is unknown, and with STRATA_STORE_UNAVAILABLE when the backend fails; a
 * stream that breaks off is destroyed with an error, never ended.
 */
export interface BodyStore {
  readonly name: string
  sink(id: string): BodySink
  /** Stores a small body whole. Writing the same id again is harmless. */
  put(id: string, bytes: Uint8Array): Promise<void>
  /** A small body whole. */
  get(id: string): Promise<Buffer>
  /** A stream of the body, or of a part of it. */
  read(id: string, range?: ByteRange): Promise<Readable>
  /** Deletes; unknown ids are no error. */
  remove(ids: readonly string[]): Promise<void>
  /** All bodies, page by page (for the reconciler). */
  list(limit: number, cursor?: string): Promise<BodyListing>
  /** Removes what writers that crashed have left behind, where that takes room; part of each sweep. */
  clean?(): Promise<void>
  ping(): Promise<void>
  close(): Promise<void>
}

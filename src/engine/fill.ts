import { randomUUID } from 'node:crypto'
import { messageOf } from '../errors.js'
import { ChunkChecksums, CHUNK_BYTES, digestOf } from './body/checks.js'
import type { Clock } from './clock.js'
import type { PendingBytes } from './pending.js'
import { digestInName, inlineName, sharedName, wholeEntry } from './ports/index.js'
import { encodeNote } from './rebuild/note.js'
import type { BodyRef, BodySink, BodyStore, Entry, MetadataStore } from './ports/index.js'

/** Why a fill did not come to an entry. */
export type FillFailure =
  'too-large' | 'limits' | 'store-failed' | 'fenced' | 'aborted' | 'content-range' | 'body-lost'

export type FillResult =
  | { readonly stored: true; readonly entry: Entry; readonly bytes: Buffer | undefined; readonly seq: number }
  | { readonly stored: false; readonly reason: FillFailure; readonly error?: string }

export interface FillDeps {
  readonly metadata: MetadataStore
  readonly bodies: BodyStore
  readonly clock: Clock
  readonly pending: PendingBytes
  /** Holds the entry against all marks and commits it (the fence's part). */
  readonly commit: (
    entry: Entry,
    inline?: Buffer,
  ) => Promise<{ ok: true; seq: number } | { ok: false; reason: string }>
  readonly smallBodyBytes: number
  /** Bodies up to this size are kept with the metadata, bytes; 0: none. */
  readonly inlineBodyBytes: number
  readonly reservationMs: number
}

export interface FillPlan {
  /** All of the entry but its body. `range` must agree with the bytes that come. */
  readonly entry: Omit<Entry, 'body'>
  readonly maxBodyBytes: number
  /** A part must have as many bytes as its Content-Range says. */
  readonly exactRange: boolean
  /** Combines a small part with what was stored before (RFC 9111 §3.4). */
  readonly combine?: (bytes: Buffer) => Promise<{ entry: Omit<Entry, 'body'>; bytes: Buffer } | undefined>
}

interface LargeBody {
  readonly id: string
  readonly sink: BodySink
  readonly checks: ChunkChecksums
  readonly renew: NodeJS.Timeout
}

const NO_CHECKS = new Uint8Array(0)
const EMPTY_BODY: BodyRef = { id: '', size: 0, digest: '', chunkSize: 0, checks: NO_CHECKS }

/**
 * The step `fill`: stores one body as it streams by, then its metadata. Body first under an immutable name, metadata last (P3):
 * a crash anywhere leaves at most a reserved body that nothing refers to, which a sweep removes.
 */
export class Fill {
  #chunks: Buffer[] = []
  #size = 0
  #held = 0
  #large: LargeBody | undefined
  #opening: Promise<void> | undefined
  #blocked = false
  #failed: { reason: FillFailure; error?: string } | undefined

  constructor(
    private readonly deps: FillDeps,
    private readonly plan: FillPlan,
    /** Takes more again, or has given up and takes everything. */
    private onReady: () => void,
  ) {}

  get blocked(): boolean {
    return this.#blocked
  }

  write(chunk: Buffer): void {
    if (this.#failed !== undefined) return
    this.#size += chunk.length
    if (this.#size > this.plan.maxBodyBytes) return this.#fail('too-large')
    if (this.#large !== undefined && this.#opening === undefined) return this.#writeLarge(chunk)
    if (!this.deps.pending.take(chunk.length)) return this.#fail('limits')
    this.#held += chunk.length
    this.#chunks.push(chunk)
    if (this.#size > this.deps.smallBodyBytes && this.#opening === undefined) this.#openLarge()
  }

  /** The origin's message came to a clean end: stores what is left and commits. Never rejects. */
  async finish(): Promise<FillResult> {
    // Nothing more comes that could be held back, and the commit may take a while.
    this.onReady = nothing
    try {
      if (this.#opening !== undefined) await this.#opening
      if (this.#failed !== undefined) return { stored: false, ...this.#failed }
      return this.#large === undefined ? await this.#finishSmall() : await this.#finishLarge(this.#large)
    } catch (error) {
      this.abort('store-failed', messageOf(error))
      return { stored: false, reason: 'store-failed', error: messageOf(error) }
    }
  }

  /** Drops everything. */
  abort(reason: FillFailure = 'aborted', error?: string): void {
    this.#fail(reason, error)
  }

  async #finishSmall(): Promise<FillResult> {
    let bytes = this.#chunks.length === 1 ? compact(this.#chunks[0]!) : Buffer.concat(this.#chunks)
    let meta = this.plan.entry
    if (this.plan.combine !== undefined) {
      const combined = await this.plan.combine(bytes)
      if (combined !== undefined) ({ entry: meta, bytes } = combined)
    }
    const isInline = bytes.length > 0 && bytes.length <= this.deps.inlineBodyBytes
    const body = isInline
      ? inlineBody(bytes)
      : bytes.length === 0
        ? EMPTY_BODY
        : await this.#putSmall(meta, bytes)
    const result = await this.#commit(wholeEntry(meta, body), isInline ? bytes : undefined)
    this.#release()
    return result.stored ? { stored: true, entry: result.entry, bytes, seq: result.seq } : result
  }

  /** Equal small bodies share one name: what is there already is not written again. */
  async #putSmall(meta: Omit<Entry, 'body'>, bytes: Buffer): Promise<BodyRef> {
    const { metadata, bodies } = this.deps
    let id = sharedName(digestOf(bytes))
    const digest = digestInName(id)
    let standing = await metadata.reserveBody(id, this.#until())
    if (standing === 'busy') {
      id = `u-${randomUUID()}`
      standing = await metadata.reserveBody(id, this.#until())
    }
    const body = { id, size: bytes.length, digest, chunkSize: 0, checks: NO_CHECKS }
    if (standing !== 'present') await bodies.put(id, bytes, this.#noteOf(meta, body))
    return body
  }

  async #finishLarge(large: LargeBody): Promise<FillResult> {
    if (large.checks.bytes !== this.#size) throw new Error('not all of the body was written')
    await large.sink.finish()
    clearInterval(large.renew)
    const body = {
      id: large.id,
      size: this.#size,
      digest: '',
      chunkSize: CHUNK_BYTES,
      checks: large.checks.finish(),
    }
    const result = await this.#commit(wholeEntry(this.plan.entry, body))
    if (!result.stored) await this.deps.metadata.releaseBody(large.id)
    return result
  }

  async #commit(entry: Entry, inline?: Buffer): Promise<FillResult> {
    const { range, body } = entry
    const exact = range === undefined || range.last - range.first + 1 === body.size
    if (!exact && this.plan.exactRange) return { stored: false, reason: 'content-range' }
    const result = await this.deps.commit(entry, inline)
    if (result.ok) return { stored: true, entry, bytes: undefined, seq: result.seq }
    return { stored: false, reason: result.reason === 'body' ? 'body-lost' : 'fenced' }
  }

  #openLarge(): void {
    this.#blocked = true
    this.#opening = this.#reserveLarge()
      .catch((error: unknown) => this.#fail('store-failed', messageOf(error)))
      .finally(() => {
        this.#opening = undefined
        this.#unblock()
      })
  }

  async #reserveLarge(): Promise<void> {
    const { metadata, bodies, reservationMs } = this.deps
    const id = `l-${randomUUID()}`
    await metadata.reserveBody(id, this.#until())
    if (this.#failed !== undefined) return void (await metadata.releaseBody(id))
    const note = this.#noteOf(this.plan.entry, { ...EMPTY_BODY, id, chunkSize: CHUNK_BYTES })
    const sink = bodies.sink(id, note)
    const renew = setInterval(() => {
      metadata
        .reserveBody(id, this.#until())
        .catch((error: unknown) => this.#fail('store-failed', messageOf(error)))
    }, reservationMs / 3)
    renew.unref()
    this.#large = { id, sink, checks: new ChunkChecksums(), renew }
    // More may have come in while the reservation was under way.
    for (let chunk = this.#chunks.shift(); chunk !== undefined; chunk = this.#chunks.shift()) {
      this.#large.checks.update(chunk)
      await this.#large.sink.write(chunk)
    }
    // At once: what comes before this promise is known to be over would be laid aside, for nobody.
    this.#opening = undefined
    this.#release()
  }

  #writeLarge(chunk: Buffer): void {
    const { sink, checks } = this.#large!
    checks.update(chunk)
    const wait = sink.write(chunk)
    if (wait === undefined) return
    this.#blocked = true
    wait.then(
      () => this.#unblock(),
      (error: unknown) => this.#fail('store-failed', messageOf(error)),
    )
  }

  /** For the day when the metadata is lost. */
  #noteOf(meta: Omit<Entry, 'body'>, body: BodyRef): string | undefined {
    return this.deps.bodies.notes === undefined ? undefined : encodeNote(meta, body)
  }

  #until(): number {
    return this.deps.clock.now() + this.deps.reservationMs
  }

  #fail(reason: FillFailure, error?: string): void {
    if (this.#failed === undefined) {
      this.#failed = error === undefined ? { reason } : { reason, error }
      const large = this.#large
      if (large !== undefined) {
        clearInterval(large.renew)
        // The reservation runs out by itself where this does not reach the store.
        void large.sink.abort().then(() => this.deps.metadata.releaseBody(large.id).catch(() => undefined))
      }
    }
    this.#release()
    this.#unblock()
  }

  #release(): void {
    this.deps.pending.give(this.#held)
    this.#held = 0
    this.#chunks = []
  }

  #unblock(): void {
    if (!this.#blocked) return
    this.#blocked = false
    this.onReady()
  }
}

function nothing(): void {}

function inlineBody(bytes: Buffer): BodyRef {
  const id = inlineName(digestOf(bytes))
  return { id, size: bytes.length, digest: digestInName(id), chunkSize: 0, checks: NO_CHECKS }
}

/** What a body may keep in memory beside itself, bytes. */
const WASTE = 64

/**
 * A slice of a socket's larger buffer would keep all of it in memory. Not even the head that it came with is left: a miss would cost 6 %
 * less CPU time, and each entry some 250 bytes more.
 */
function compact(bytes: Buffer): Buffer {
  return bytes.buffer.byteLength > bytes.length + WASTE ? Buffer.from(bytes) : bytes
}

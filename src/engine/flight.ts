import { StrataError } from '../errors.js'
import type { ResponseHead } from './origin.js'
import type { RawFields } from './ports/index.js'
import type { EntryCandidate } from './candidates.js'
import type { CacheResult } from './exchange.js'

/** The head that all readers of a flight share. */
export interface FlightHead extends ResponseHead {
  /** What followers get of the fields; `fields` is the leader's. */
  readonly sharedFields: RawFields
  /** Until when others than the leader may have it (RFC 9111 §4: what is shared must be fresh), ms since the epoch; 0: never. */
  readonly sharedUntil: number
  /** When its age was 0, ms since the epoch. */
  readonly bornAt: number
  /** Why it is not stored; undefined when a fill is under way. */
  readonly refusal: string | undefined
  /** Why it is not stored although it is for all who wait. */
  readonly unstored?: string
  /** The key that it is stored under. */
  readonly key?: string
}

/** One client (or the fill) that takes what a flight brings. Every reader gets exactly one of end, failure, stored, released. */
export interface FlightReader {
  /** Does the response answer for the URL that this reader asked for (No-Vary-Search)? If not it is released, be it the leader. */
  isFor(head: FlightHead): boolean
  /** May this reader have the response? A follower with another variant or without the right credentials may not: it is released. */
  accepts(head: FlightHead): boolean
  /** `whole`: the body has come to its end already; it is as good as stored. */
  onHead(head: FlightHead, whole: boolean): void
  /** Returns false when no more should come until `Flight.ready(reader)`. */
  onChunk(chunk: Buffer): boolean
  onEnd(): void
  onFailure(error: StrataError): void
  /** The answer is in the store: refreshed by a 304, or a stale entry that stands in. */
  onStored(entry: EntryCandidate, result: CacheResult, detail: string): void
  /** The response is not for this reader: it goes its own way. */
  onReleased(): void
}

type State = 'waiting' | 'streaming' | 'settled'

export interface FlightLimits {
  readonly bufferBytes: number
  /** How long one reader may hold up all the others, ms. */
  readonly stallMs: number
}

/** Whoever leads a flight. */
export interface FlightSource {
  /** All readers are ready again. */
  resume(): void
  /** Nobody is left who reads. */
  deserted(): void
}

/**
 * One running origin request for one key, and all who take part in it. Keeps the beginning of the body while it is small, so that
 * late followers can start from its first byte; holds the origin back to the pace of the slowest reader (P8).
 */
export class Flight {
  readonly #readers = new Set<FlightReader>()
  /** The same as a list that stays as it is while it is gone through, until one comes or goes. */
  #listed: readonly FlightReader[] | undefined
  /** Made when it is needed: most readers are never held up. */
  #blocked: Map<FlightReader, NodeJS.Timeout> | undefined
  readonly #settledListeners: (() => void)[] = []
  #leader: FlightReader | undefined
  #isLeaderless = false
  #state: State = 'waiting'
  #head: FlightHead | undefined
  #kept: Buffer[] | undefined = []
  #keptBytes = 0
  #ended = false

  /** Until the body is whole. What a flight that is only being committed holds on to lives for as long as the commit takes. */
  #source: FlightSource | undefined

  constructor(private readonly limits: FlightLimits) {}

  ledBy(source: FlightSource): void {
    this.#source = source
  }

  get settled(): boolean {
    return this.#state === 'settled'
  }

  get deserted(): boolean {
    return this.#readers.size === 0
  }

  /** The body is whole; what is left is to commit it. */
  get ended(): boolean {
    return this.#ended
  }

  get blocked(): boolean {
    return this.#blocked !== undefined && this.#blocked.size > 0
  }

  /** Takes a reader in. False: too late to start from the first byte; wait with `whenSettled` and look in the store. */
  join(reader: FlightReader): boolean {
    if (this.#state === 'settled' || this.#kept === undefined) return false
    const head = this.#head
    if (head !== undefined) {
      if (head.refusal !== undefined || !reader.accepts(head) || !reader.isFor(head)) return false
      reader.onHead(head, this.#ended)
      for (const chunk of this.#kept) if (!reader.onChunk(chunk)) this.#block(reader)
      if (this.#ended) {
        this.#unblock(reader)
        reader.onEnd()
        return true
      }
    }
    if (!this.#isLeaderless) this.#leader ??= reader
    this.#readers.add(reader)
    this.#listed = undefined
    return true
  }

  /** Nobody waits for what was asked: whoever joins is a follower, and gets what is for sharing alone (P7). */
  leaderless(): void {
    this.#isLeaderless = true
  }

  leave(reader: FlightReader): void {
    if (!this.#readers.delete(reader)) return
    this.#listed = undefined
    this.#unblock(reader)
    if (this.#readers.size === 0) this.#source?.deserted()
  }

  ready(reader: FlightReader): void {
    this.#unblock(reader)
  }

  /** Calls back once the flight is over and what it brought is in the store, or never will be. */
  whenSettled(listener: () => void): void {
    if (this.#state === 'settled') listener()
    else this.#settledListeners.push(listener)
  }

  /** An uncacheable response is the leader's alone: all followers are released at once (P7). */
  head(head: FlightHead): void {
    this.#head = head
    this.#state = 'streaming'
    if (head.refusal !== undefined) this.#kept = undefined
    for (const reader of this.#all()) {
      const mine = reader === this.#leader || (head.refusal === undefined && reader.accepts(head))
      if (mine && reader.isFor(head)) reader.onHead(head, false)
      else this.#release(reader)
    }
  }

  chunk(chunk: Buffer): void {
    if (this.#kept !== undefined) {
      this.#keptBytes += chunk.length
      if (this.#keptBytes > this.limits.bufferBytes) this.#kept = undefined
      else this.#kept.push(chunk)
    }
    for (const reader of this.#all()) {
      // A reader that has just left, or been made to by another's doing, holds nobody up.
      if (this.#readers.has(reader) && !reader.onChunk(chunk) && this.#readers.has(reader))
        this.#block(reader)
    }
  }

  /** The body is whole. Late followers are still served from what was kept, until `settle`. */
  end(): void {
    this.#ended = true
    const readers = this.#take()
    this.#source = undefined
    for (const reader of readers) reader.onEnd()
  }

  fail(error: StrataError): void {
    this.#kept = undefined
    for (const reader of this.#take()) reader.onFailure(error)
    this.settle()
  }

  stored(entry: EntryCandidate, result: CacheResult, detail: string): void {
    const readers = this.#take()
    // First: a reader that turns it down asks anew at once, and must not find a flight here that will never answer.
    this.settle()
    for (const reader of readers) reader.onStored(entry, result, detail)
  }

  /** Nothing comes of it here: all who wait go their own way, back to the stores. */
  disband(): void {
    const readers = this.#take()
    this.settle()
    for (const reader of readers) reader.onReleased()
  }

  settle(): void {
    if (this.#state === 'settled') return
    this.#state = 'settled'
    this.#kept = undefined
    this.#source = undefined
    for (const listener of this.#settledListeners.splice(0)) listener()
  }

  #all(): readonly FlightReader[] {
    return (this.#listed ??= [...this.#readers])
  }

  #take(): readonly FlightReader[] {
    const readers = this.#all()
    for (const reader of readers) this.#unblock(reader)
    this.#readers.clear()
    this.#listed = undefined
    this.#leader = undefined
    return readers
  }

  #release(reader: FlightReader): void {
    this.#readers.delete(reader)
    this.#listed = undefined
    reader.onReleased()
  }

  #block(reader: FlightReader): void {
    this.#blocked ??= new Map()
    if (!this.#blocked.has(reader)) this.#blocked.set(reader, this.#stallTimer(reader))
  }

  #stallTimer(reader: FlightReader): NodeJS.Timeout {
    const timer = setTimeout(() => this.#stalled(reader), this.limits.stallMs)
    timer.unref()
    return timer
  }

  #unblock(reader: FlightReader): void {
    const blocked = this.#blocked
    const timer = blocked?.get(reader)
    if (blocked === undefined || timer === undefined) return
    clearTimeout(timer)
    blocked.delete(reader)
    if (blocked.size === 0) this.#source?.resume()
  }

  /** A reader that takes nothing for so long would hold up everybody: it is cut off, unless nobody else is there. */
  #stalled(reader: FlightReader): void {
    if (this.#readers.size <= 1) {
      // Somebody may still come.
      this.#blocked!.set(reader, this.#stallTimer(reader))
      return
    }
    this.leave(reader)
    reader.onFailure(
      new StrataError('STRATA_ORIGIN_ABORTED', 'the client took nothing for too long while others waited'),
    )
  }
}

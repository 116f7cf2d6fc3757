import { LRUCache } from 'lru-cache'
import { Ghosts } from './ghosts.js'

export interface ArcLimits {
  readonly maxBytes: number
  readonly maxEntries: number
}

/**
 * A map bounded in bytes and in keys that evicts by ARC (Megiddo and Modha, FAST 2003): what was asked for once and what was asked for
 * again are two lists, each by recent use, and it learns from what comes back after it had to go how much room the first should have. A
 * crawler goes through the first alone; people who pan a map and come back to where they were get all the room that it can have.
 */
export class ArcCache<V extends object> {
  readonly #once: LRUCache<string, V>
  readonly #often: LRUCache<string, V>
  /** What went from each of the two, by name alone. */
  readonly #lostOnce = new Ghosts()
  readonly #lostOften = new Ghosts()
  /** Bytes that `#once` should have. */
  #target = 0

  constructor(private readonly limits: ArcLimits) {
    // No `max`: room for the most keys there may be would be taken at once. Nothing is evicted there, all of it is here.
    const options = { maxSize: limits.maxBytes }
    this.#once = new LRUCache(options)
    this.#often = new LRUCache(options)
  }

  get size(): number {
    return this.#once.size + this.#often.size
  }

  get bytes(): number {
    return this.#once.calculatedSize + this.#often.calculatedSize
  }

  /** Counts as a use. */
  get(key: string): V | undefined {
    const often = this.#often.get(key)
    if (often !== undefined) return often
    const value = this.#once.peek(key)
    if (value === undefined) return undefined
    const { size } = this.#once.info(key)!
    this.#once.delete(key)
    this.#often.set(key, value, { size })
    return value
  }

  peek(key: string): V | undefined {
    return this.#often.peek(key) ?? this.#once.peek(key)
  }

  /** @param size bytes, at least 1; what is larger than the whole is not taken, and what was there under its key goes. */
  set(key: string, value: V, size: number): void {
    const isOften = this.#often.has(key)
    const isKnown = isOften || this.#once.has(key)
    if (isKnown) this.delete(key)
    if (size > this.limits.maxBytes) return
    const cameBack = isKnown ? undefined : this.#learn(key, size)
    while (this.bytes + size > this.limits.maxBytes || this.size >= this.limits.maxEntries)
      this.#evict(cameBack === 'often')
    const list = isOften || cameBack !== undefined ? this.#often : this.#once
    list.set(key, value, { size })
    this.#forget()
  }

  delete(key: string): void {
    if (!this.#often.delete(key)) this.#once.delete(key)
  }

  clear(): void {
    for (const list of [this.#once, this.#often, this.#lostOnce, this.#lostOften]) list.clear()
    this.#target = 0
  }

  /** What has come back should not have gone: its list gets more room, the more so the shorter its own past is beside the other's. */
  #learn(key: string, size: number): 'once' | 'often' | undefined {
    const [once, often] = [this.#lostOnce.bytes, this.#lostOften.bytes]
    if (this.#lostOnce.delete(key)) {
      this.#target = Math.min(this.limits.maxBytes, this.#target + size * Math.max(1, often / once))
      return 'once'
    }
    if (!this.#lostOften.delete(key)) return undefined
    this.#target = Math.max(0, this.#target - size * Math.max(1, once / often))
    return 'often'
  }

  #evict(forOften: boolean): void {
    const held = this.#once.calculatedSize
    const isOver = held > this.#target || (forOften && held === this.#target)
    const fromOnce = this.#once.size > 0 && (isOver || this.#often.size === 0)
    const [list, lost] = fromOnce ? [this.#once, this.#lostOnce] : [this.#often, this.#lostOften]
    for (const key of list.rkeys()) {
      lost.add(key, list.info(key)!.size!)
      list.delete(key)
      return
    }
  }

  /** The past reaches back as far as the cache is large: once for what came once, and the rest of twice that for the others. */
  #forget(): void {
    const { maxBytes, maxEntries } = this.limits
    const [once, often] = [this.#lostOnce, this.#lostOften]
    const isTooMuch = () => once.bytes + this.#once.calculatedSize > maxBytes || once.size > maxEntries
    while (once.size > 0 && isTooMuch()) once.dropOldest()
    while (
      often.size > 0 &&
      (often.bytes + once.bytes + this.bytes > 2 * maxBytes || often.size > maxEntries)
    )
      often.dropOldest()
  }
}

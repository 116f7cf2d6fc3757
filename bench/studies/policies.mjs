import { LRUCache } from 'lru-cache'
import { built } from './study.mjs'

const { ArcCache } = await built('engine/arc-cache.js')

/**
 * Eviction policies, bounded in bytes, for the study of hit ratios alone. Each is `(capacity) => request(object, size) → hit`.
 *
 * @typedef {(object: number, size: number) => boolean} Policy
 */

/** What the memory tier has, the very module. @param {number} capacity bytes @returns {Policy} */
export function arc(capacity) {
  const cache = new ArcCache({ maxBytes: Math.floor(capacity), maxEntries: Infinity })
  return (object, size) => {
    const name = String(object)
    if (cache.get(name) !== undefined) return true
    cache.set(name, HELD, size)
    return false
  }
}

const HELD = {}

/** Least recently used first out. @param {number} capacity bytes @returns {Policy} */
export function lru(capacity) {
  const cache = new LRUCache({ maxSize: Math.floor(capacity) })
  return (object, size) => {
    if (cache.get(object) !== undefined) return true
    cache.set(object, size, { size })
    return false
  }
}

/**
 * SIEVE (Zhang et al., NSDI 2024): first in, first out, with a hand that passes over what was asked for since it last came by,
 * and stays where it is when it has taken something. Nothing moves on a hit.
 * @param {number} capacity bytes @returns {Policy}
 */
export function sieve(capacity) {
  const nodes = new Map()
  let [newest, oldest, hand, used] = [undefined, undefined, undefined, 0]
  const evict = () => {
    let node = hand ?? oldest
    while (node.visited) {
      node.visited = false
      node = node.newer ?? oldest
    }
    hand = node.newer
    if (node.newer) node.newer.older = node.older
    else newest = node.older
    if (node.older) node.older.newer = node.newer
    else oldest = node.newer
    nodes.delete(node.object)
    used -= node.size
  }
  return (object, size) => {
    const known = nodes.get(object)
    if (known !== undefined) return (known.visited = true)
    if (size > capacity) return false
    while (used + size > capacity) evict()
    const node = { object, size, visited: false, older: newest, newer: undefined }
    if (newest) newest.newer = node
    else oldest = node
    newest = node
    nodes.set(object, node)
    used += size
    return false
  }
}

/** A queue, first in, first out, in a ring that grows: JavaScript's `shift` costs the length of the array. */
class Queue {
  #items = []
  #head = 0
  bytes = 0
  push(item) {
    this.#items.push(item)
    this.bytes += item.size
  }
  shift() {
    const item = this.#items[this.#head]
    this.#items[this.#head++] = undefined
    if (this.#head > 65_536) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    this.bytes -= item.size
    return item
  }
  get empty() {
    return this.#head === this.#items.length
  }
}

/**
 * S3-FIFO (Yang et al., SOSP 2023): a small queue of 10 % takes what is new; only what is asked for again there, or was not long
 * ago (ghosts), comes into the main queue. What a crawler leaves behind goes through the small queue alone.
 * @param {number} capacity bytes @returns {Policy}
 */
export function s3fifo(capacity) {
  const [small, main] = [new Queue(), new Queue()]
  const held = new Map()
  /** Objects that went from the small queue, as many as the main queue holds. @type {Set<number>} */
  const ghosts = new Set()
  let inMain = 0

  const evictSmall = () => {
    while (!small.empty) {
      const item = small.shift()
      if (item.hits > 1) {
        item.hits = 0
        main.push(item)
        inMain++
        continue
      }
      held.delete(item.object)
      ghosts.add(item.object)
      while (ghosts.size > Math.max(inMain, 1)) ghosts.delete(ghosts.values().next().value)
      return
    }
  }
  const evictMain = () => {
    while (!main.empty) {
      const item = main.shift()
      if (item.hits > 0) {
        item.hits--
        main.push(item)
        continue
      }
      inMain--
      held.delete(item.object)
      return
    }
  }
  return (object, size) => {
    const known = held.get(object)
    if (known !== undefined) {
      known.hits = Math.min(known.hits + 1, 3)
      return true
    }
    if (size > capacity / 10) return false
    while (small.bytes + main.bytes + size > capacity) {
      if (small.bytes >= capacity / 10 || main.empty) evictSmall()
      else evictMain()
    }
    const item = { object, size, hits: 0 }
    if (ghosts.delete(object)) {
      main.push(item)
      inMain++
    } else small.push(item)
    held.set(object, item)
    return false
  }
}

/** Least recently used first out, of items with sizes. */
class Recent {
  #sizes = new LRUCache({ maxSize: Number.MAX_SAFE_INTEGER })
  get bytes() {
    return this.#sizes.calculatedSize
  }
  get size() {
    return this.#sizes.size
  }
  /** Also a use. */
  has(object) {
    return this.#sizes.get(object) !== undefined
  }
  add(object, size) {
    this.#sizes.set(object, size, { size })
  }
  delete(object) {
    return this.#sizes.delete(object)
  }
  oldest() {
    return this.#sizes.rkeys().next().value
  }
  shift() {
    const object = this.oldest()
    const size = this.#sizes.peek(object)
    this.#sizes.delete(object)
    return [object, size]
  }
}

/** How often something was asked for of late, roughly: counters of 4 bits, halved now and then (count-min). */
class Sketch {
  #adds = 0
  constructor(objects) {
    this.bits = Math.max(10, Math.ceil(Math.log2(objects)))
    this.counters = new Uint8Array(4 << this.bits)
    this.limit = 10 * objects
  }
  *#places(object) {
    for (let row = 0; row < 4; row++) {
      let hash = Math.imul(object ^ (object >>> 16), 0x45d9f3b + row * 0x3779b1b2)
      hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
      yield (row << this.bits) + ((hash ^ (hash >>> 13)) & ((1 << this.bits) - 1))
    }
  }
  add(object) {
    for (const place of this.#places(object)) if (this.counters[place] < 15) this.counters[place]++
    if (++this.#adds < this.limit) return
    this.#adds /= 2
    this.counters.forEach((count, place) => (this.counters[place] = count >> 1))
  }
  count(object) {
    return Math.min(...[...this.#places(object)].map(place => this.counters[place]))
  }
}

/**
 * W-TinyLFU (Einziger et al., 2017): what is new is in a window, least recently used first out; from there into the main part only what was
 * asked for more often than what would have to go for it. The window has a fifth: with the hundredth of the paper, maps fare badly.
 * @param {number} capacity bytes @returns {Policy}
 */
export function wTinyLfu(capacity) {
  const [fresh, probation, safe] = [new Recent(), new Recent(), new Recent()]
  const room = { fresh: capacity / 5, main: (capacity * 4) / 5, safe: capacity * 0.64 }
  const sketch = new Sketch(capacity / 8000)
  const admit = (object, size) => {
    const wanted = sketch.count(object)
    while (probation.bytes + safe.bytes + size > room.main) {
      const from = probation.size > 0 ? probation : safe
      if (sketch.count(from.oldest()) >= wanted) return
      from.shift()
    }
    probation.add(object, size)
  }
  return (object, size) => {
    sketch.add(object)
    if (fresh.has(object) || safe.has(object)) return true
    if (probation.delete(object)) {
      safe.add(object, size)
      while (safe.bytes > room.safe) probation.add(...safe.shift())
      return true
    }
    if (size > room.fresh) return false
    fresh.add(object, size)
    while (fresh.bytes > room.fresh) admit(...fresh.shift())
    return false
  }
}

export const POLICIES = { arc, lru, sieve, 's3-fifo': s3fifo, 'w-tinylfu': wTinyLfu }

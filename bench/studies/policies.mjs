import { LRUCache } from 'lru-cache'

/**
 * Eviction policies, bounded in bytes, for the study of hit ratios alone. Each is `(capacity) => request(object, size) → hit`.
 *
 * @typedef {(object: number, size: number) => boolean} Policy
 */

/** What the memory tier has. @param {number} capacity bytes @returns {Policy} */
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

export const POLICIES = { lru, sieve, 's3-fifo': s3fifo }

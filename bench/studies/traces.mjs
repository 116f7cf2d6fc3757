/** Request traces, replayable: the same seed gives the same trace. Each request is the number of an object; sizes come with it. */

/** Mulberry32: small, fast, good enough to draw requests with. @param {number} seed @returns {() => number} 0 to 1 */
export function random(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Draws ranks 0 to n-1 with a probability in proportion to 1/(rank+1)^skew. @param {number} n @param {number} skew @param {() => number} next */
export function zipf(n, skew, next) {
  const cumulative = new Float64Array(n)
  let sum = 0
  for (let i = 0; i < n; i++) cumulative[i] = sum += 1 / (i + 1) ** skew
  return () => {
    const wanted = next() * sum
    let [low, high] = [0, n - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (cumulative[middle] < wanted) low = middle + 1
      else high = middle
    }
    return low
  }
}

/**
 * @typedef {object} Trace
 * @property {string} name
 * @property {Int32Array} objects one for each request
 * @property {(object: number) => number} sizeOf bytes
 */

/** Bytes of an object: mostly some KB, a few much larger, always the same for one object. @param {number} object */
export function sizeOf(object) {
  const draw = random(object * 2654435761)()
  return Math.round(600 * Math.exp(draw * 4.2))
}

/** Popular things are asked for again and again: pages, an API. @param {number} requests @param {number} seed @returns {Trace} */
export function zipfTrace(requests, seed) {
  const draw = zipf(200_000, 0.9, random(seed))
  return { name: 'zipf', objects: Int32Array.from({ length: requests }, draw), sizeOf }
}

/** The same, with a crawler in between that asks for everything once: runs of 20,000 objects, a third of all requests. @param {number} requests @param {number} seed @returns {Trace} */
export function scanTrace(requests, seed) {
  const next = random(seed)
  const draw = zipf(200_000, 0.9, random(seed + 1))
  const objects = new Int32Array(requests)
  let scanned = 1_000_000
  let left = 0
  for (let i = 0; i < requests; i++) {
    if (left === 0 && next() < 1 / 80_000) left = 40_000
    if (left > 0 && next() < 0.5) {
      objects[i] = scanned++
      left--
    } else objects[i] = draw()
  }
  return { name: 'scan-mixed', objects, sizeOf }
}

const ZOOMS = { min: 4, max: 16 }
const VIEW = { width: 6, height: 4 }

/**
 * People at maps: each looks at a place (some places are popular), pans by a tile or two, zooms in and out, and leaves. A view
 * asks for all its tiles; the browser has those of the view before. 40 people at once.
 * @param {number} requests @param {number} seed @returns {Trace}
 */
export function mapTrace(requests, seed) {
  const next = random(seed)
  const place = zipf(5000, 0.8, next)
  const objects = new Int32Array(requests)
  const people = Array.from({ length: 40 }, () => arrive(place, next))
  const names = new Map()
  let at = 0
  while (at < requests) {
    const who = Math.floor(next() * people.length)
    if (next() < 0.03) people[who] = arrive(place, next)
    const person = people[who]
    const seen = new Set()
    for (const tile of viewOf(person)) {
      seen.add(tile)
      if (person.seen.has(tile) || at === requests) continue
      if (!names.has(tile)) names.set(tile, names.size)
      objects[at++] = names.get(tile)
    }
    person.seen = seen
    move(person, next)
  }
  return { name: 'map-pan', objects, sizeOf }
}

function arrive(place, next) {
  // The same place for the same rank, in the unit square.
  const spot = random(place() + 77)
  const zoom = 8 + Math.floor(next() * 6)
  return { x: spot() * 2 ** zoom, y: spot() * 2 ** zoom, zoom, seen: new Set() }
}

function move(person, next) {
  const what = next()
  if (what < 0.7) {
    person.x += Math.round((next() - 0.5) * 5)
    person.y += Math.round((next() - 0.5) * 5)
  } else if (what < 0.88 && person.zoom < ZOOMS.max) {
    person.zoom++
    person.x *= 2
    person.y *= 2
  } else if (person.zoom > ZOOMS.min) {
    person.zoom--
    person.x /= 2
    person.y /= 2
  }
}

function* viewOf({ x, y, zoom }) {
  const side = 2 ** zoom
  for (let row = 0; row < VIEW.height; row++)
    for (let column = 0; column < VIEW.width; column++) {
      const [tx, ty] = [Math.floor(x) + column - 3, Math.floor(y) + row - 2]
      if (ty >= 0 && ty < side) yield `${zoom}/${((tx % side) + side) % side}/${ty}`
    }
}

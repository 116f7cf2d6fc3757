import Flatbush from 'flatbush'
import { orient2d } from 'robust-predicates'
import type { Ring } from './area.js'

/** A place where a ring crosses or touches itself; undefined when it is simple. */
export function selfCrossing(ring: Ring): readonly [x: number, y: number] | undefined {
  const count = ring.length / 2
  const point = (i: number): [number, number] => [ring[2 * (i % count)]!, ring[2 * (i % count) + 1]!]
  const tree = new Flatbush(count)
  for (let i = 0; i < count; i++) {
    const [[ax, ay], [bx, by]] = [point(i), point(i + 1)]
    tree.add(Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by))
  }
  tree.finish()
  for (let i = 0; i < count; i++) {
    const [a, b] = [point(i), point(i + 1)]
    const box = [
      Math.min(a[0], b[0]),
      Math.min(a[1], b[1]),
      Math.max(a[0], b[0]),
      Math.max(a[1], b[1]),
    ] as const
    const near = tree.search(...box, j => j > i && crosses(i, j))
    if (near.length > 0) return point(near[0]!)
  }
  return undefined

  /** Two edges that have more in common than the point where one follows the other; those that only touch are let be. */
  function crosses(i: number, j: number): boolean {
    const [a, b, c, d] = [point(i), point(i + 1), point(j), point(j + 1)]
    const [c1, c2] = [orient2d(...a, ...b, ...c), orient2d(...a, ...b, ...d)]
    const [a1, a2] = [orient2d(...c, ...d, ...a), orient2d(...c, ...d, ...b)]
    return c1 * c2 < 0 && a1 * a2 < 0
  }
}

/** Twice the area that a ring encloses, without its sign. 0: it has no inside. */
export function doubleArea(ring: Ring): number {
  let sum = 0
  for (let i = 0; i < ring.length; i += 2) {
    const next = (i + 2) % ring.length
    sum += ring[i]! * ring[next + 1]! - ring[next]! * ring[i + 1]!
  }
  return Math.abs(sum)
}

/** Settings as they come: nested plain objects, not yet checked. */
export type Tree = { [key: string]: unknown }

/** By shape, not by prototype: settings from code may come from another realm (a vm context, as test runners use). */
export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * `upper` on top of `lower`: objects are merged, everything else (lists too) is replaced. `undefined` and `null` (an empty
 * YAML value) leave what is below. Built with own properties alone, so that a key `__proto__` stays a key and is refused later.
 */
export function merge(lower: Tree, upper: Tree): Tree {
  const merged = new Map(Object.entries(lower))
  for (const [key, value] of Object.entries(upper)) {
    const below = merged.get(key)
    if (value === undefined || value === null) {
      if (!merged.has(key)) merged.set(key, undefined)
    } else merged.set(key, isTree(value) && isTree(below) ? merge(below, value) : value)
  }
  return Object.fromEntries(merged)
}

/** Writes `value` at a dotted path, making the objects on the way. */
export function setAt(tree: Tree, path: string, value: unknown): void {
  const keys = path.split('.')
  const last = keys.pop()!
  let at = tree
  for (const key of keys) {
    if (!isTree(at[key])) at[key] = {}
    at = at[key] as Tree
  }
  at[last] = value
}

/** Freezes a value and all that it holds. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const child of Object.values(value)) deepFreeze(child)
  }
  return value
}

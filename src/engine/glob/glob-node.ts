import { charSet, type CharSet } from './char-set.js'

/** What a glob is made of. A `star` repeats one character of a set, so that no loop can be nested in another. */
export type GlobNode =
  | { readonly kind: 'one'; readonly set: CharSet }
  | { readonly kind: 'star'; readonly set: CharSet }
  | { readonly kind: 'any-of'; readonly options: readonly (readonly GlobNode[])[] }
  /** Something has to follow: `a/*` does not match `a/`. */
  | { readonly kind: 'not-end' }

/**
 * Nodes that match the same in fewer places: `{a,b,b}` is one character, `{,*}` is `*`, `{ab,ac}` is `a` and one of two, and a star
 * after its like is none.
 */
export function simplified(nodes: readonly GlobNode[]): readonly GlobNode[] {
  const out: GlobNode[] = []
  for (const node of nodes.flatMap(each => (each.kind === 'any-of' ? anyOf(each.options) : [each]))) {
    const last = out.at(-1)
    if (node.kind === 'star' && last !== undefined && textOf([node]) === textOf([last])) continue
    out.push(node)
  }
  return out
}

function anyOf(given: readonly (readonly GlobNode[])[]): readonly GlobNode[] {
  const options = new Map(given.map(simplified).map(option => [textOf(option), option]))
  // It matches nothing at all by itself.
  if ([...options.values()].some(([first, ...rest]) => first?.kind === 'star' && rest.length === 0))
    options.delete(NOTHING)
  const ones: CharSet[] = []
  const all: (readonly GlobNode[])[] = []
  for (const option of withoutPrefixes([...options.values()])) {
    const [first, ...rest] = option
    if (first?.kind === 'one' && rest.length === 0) ones.push(first.set)
    else all.push(option)
  }
  if (ones.length > 0) all.push([{ kind: 'one', set: charSet(ones.flat()) }])
  return all.length === 1 ? all[0]! : [{ kind: 'any-of', options: all }]
}

/** Those that begin alike as one. */
function withoutPrefixes(options: readonly (readonly GlobNode[])[]): (readonly GlobNode[])[] {
  const groups = new Map<string, (readonly GlobNode[])[]>()
  for (const option of options) {
    const start = textOf(option.slice(0, 1))
    groups.set(start, [...(groups.get(start) ?? []), option])
  }
  return [...groups.values()].map(group =>
    group.length === 1 ? group[0]! : [group[0]![0]!, ...anyOf(group.map(option => option.slice(1)))],
  )
}

function textOf(nodes: readonly GlobNode[]): string {
  return JSON.stringify(nodes)
}

const NOTHING = textOf([])

import type { MatrixSet } from '../grid/matrix-set.js'

/** A piece of a template: text with places in it. */
export interface Parts {
  /** What each place stands for in a text, decoded; undefined when the text does not fit. */
  read(text: string): Map<string, string> | undefined
  readonly pieces: readonly Piece[]
}

type Piece = string | { readonly place: string; readonly digits: number }

const PLACE = /\{(-?[A-Za-z_]\w*)(?::(\d))?\}/g

/** Names of the places, in order. */
export function placesOf(text: string): string[] {
  return [...text.matchAll(PLACE)].map(([, name]) => name!)
}

/**
 * Compiles a template's path, one parameter's value, or a layer's name. The expressions that come of it take each character once, whatever the text: no two
 * places stand side by side, and none runs over a slash.
 */
export function compileParts(
  text: string,
  kind: 'path' | 'value' | 'name',
  sets: readonly MatrixSet[],
): Parts {
  const pieces: Piece[] = []
  let source = ''
  let at = 0
  const literal = (part: string) => {
    if (part === '') return
    pieces.push(part)
    source += escaped(kind === 'path' ? (decoded(part) ?? part) : part)
  }
  for (const match of text.matchAll(PLACE)) {
    literal(text.slice(at, match.index))
    at = match.index + match[0].length
    pieces.push({ place: match[1]!, digits: Number(match[2] ?? 0) })
    source += `(${patternOf(match[1]!, sets)})`
  }
  literal(text.slice(at))
  // Servers differ in the case of what KVP values say; a tile more is purged then, never one less.
  const pattern = new RegExp(`^${source}$`, kind === 'value' ? 'i' : '')
  const places = placesOf(text)
  return {
    pieces,
    read: given => {
      // A slash that was escaped is no border between two segments: as none of ours has one, such a path does not fit.
      const plain = kind === 'path' && given.includes('%') ? decoded(given) : given
      const found = plain === undefined ? null : pattern.exec(plain)
      if (found === null) return undefined
      return new Map(
        places.flatMap((place, i) => (found[i + 1] === undefined ? [] : [[place, found[i + 1]!]])),
      )
    },
  }
}

/** @throws RangeError when a place has no value */
export function formatParts(
  { pieces }: Parts,
  values: Readonly<Record<string, string>>,
  encode: (text: string) => string,
): string {
  return pieces
    .map(piece => {
      if (typeof piece === 'string') return piece
      const value = values[piece.place]
      if (value === undefined) throw new RangeError(`the template needs a value for {${piece.place}}`)
      // `@2x` stands as it is: clients write no escape there.
      return piece.place === 'scale' || piece.place === 'r'
        ? value
        : encode(value.padStart(piece.digits, '0'))
    })
    .join('')
}

function patternOf(place: string, sets: readonly MatrixSet[]): string {
  switch (place) {
    case 'x':
    case 'y':
    case '-y':
      return '\\d{1,15}'
    case 'z':
      return zoomPattern(sets)
    case 'quadkey':
      return '[0-3]{0,30}'
    case 'scale':
    case 'r':
      return '(?:@\\dx)?'
    case 'tms':
      return sets.map(({ id }) => escaped(id)).join('|')
    default:
      return '[^/]{1,256}?'
  }
}

function zoomPattern(sets: readonly MatrixSet[]): string {
  const ids = [...new Set(sets.flatMap(({ matrices }) => matrices.map(({ id }) => id)))]
  const others = ids.filter(id => !/^\d+$/.test(id)).map(escaped)
  return ['\\d{1,4}', ...others].join('|')
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}

function decoded(text: string): string | undefined {
  if (/%2f/i.test(text)) return undefined
  try {
    return decodeURIComponent(text)
  } catch {
    // Not UTF-8: no template has such a path.
    return undefined
  }
}

import { StrataError } from '../../errors.js'
import { ANY, charSet, others, type CharSet } from './char-set.js'
import { digitRanges } from './digit-ranges.js'
import { simplified, type GlobNode } from './glob-node.js'

export interface ParsedGlob {
  readonly nodes: readonly GlobNode[]
  /** The text that every match begins with. */
  readonly literal: string
  readonly negated: boolean
}

/** Longest glob, characters. */
export const MAX_GLOB = 256
const MAX_RANGE = 1000
const SLASH = 47
const ZERO = 48

const noSlash = others([[SLASH, SLASH]])
const slash: GlobNode = { kind: 'one', set: [[SLASH, SLASH]] }
const anything: GlobNode = { kind: 'star', set: ANY }

/**
 * Reads a glob in micromatch's syntax (with its option `dot`): `*` `?` `**` `[a-z]` `[^a-z]` `{a,b}` `{1..12}` `\` and a leading `!`.
 * @throws StrataError STRATA_BAD_REQUEST for anything that micromatch would take for more than that: it would have to be matched
 * by backtracking, or would match something else here than its author thinks.
 */
export function parseGlob(pattern: string): ParsedGlob {
  if (pattern === '') throw fault('is empty')
  if (pattern.length > MAX_GLOB) throw fault(`is longer than ${MAX_GLOB} characters`)
  let bangs = 0
  while (pattern[bangs] === '!') bangs++
  const parser = new Parser(pattern.slice(bangs))
  const nodes = simplified(parser.parse())
  return { nodes, literal: bangs % 2 === 0 ? parser.literal : '', negated: bangs % 2 === 1 }
}

function fault(what: string): StrataError {
  return new StrataError('STRATA_BAD_REQUEST', `the pattern ${what}`)
}

class Parser {
  literal = ''
  #at = 0
  /** Unescaped character before the current one; '' at the start, 'x' after an escape. */
  #before = ''
  #literalOpen = true
  #braces = 0

  constructor(private readonly text: string) {}

  parse(): GlobNode[] {
    if (this.text === '') throw fault('has nothing after "!"')
    const nodes = this.#sequence()
    const last = nodes.at(-1)
    // As micromatch: what ends in a wildcard takes a trailing slash as well.
    if ((this.#before === '*' || this.#before === ']') && last !== undefined && last !== anything)
      nodes.push(optional([slash]))
    return nodes
  }

  /** Up to the end, or inside braces up to the next `,` or `}` of their own. */
  #sequence(): GlobNode[] {
    const nodes: GlobNode[] = []
    // Depth of `{…}` that hold neither a comma nor a range: plain characters.
    let plain = 0
    while (this.#at < this.text.length) {
      const char = this.text[this.#at]!
      if (this.#braces > 0 && plain === 0 && (char === ',' || char === '}')) return nodes
      if (char === '{' && this.#isPlainBrace()) {
        plain++
        this.#char(nodes, char)
      } else if (char === '}') {
        if (plain-- === 0) throw fault('has a "}" without "{" (write \\} for the character)')
        this.#char(nodes, char)
      } else if (char === '{') this.#alternatives(nodes)
      else if (char === '*') this.#star(nodes)
      else if (char === '[') this.#characterClass(nodes)
      else this.#single(nodes, char)
    }
    return nodes
  }

  #single(nodes: GlobNode[], char: string): void {
    if (char === '?') {
      this.#special('?', 1)
      nodes.push({ kind: 'one', set: noSlash })
    } else if (char === '\\') {
      const escaped = this.text[this.#at + 1]
      if (escaped === undefined) throw fault('ends in a single \\')
      this.#at++
      this.#char(nodes, escaped)
      this.#before = 'x'
    } else if ('()|"'.includes(char)) {
      throw fault(
        `has a ${char}, which could only be matched by backtracking (write \\${char} for the character)`,
      )
    } else if (char === '+' && (this.#before === ']' || this.#before === '}')) {
      throw fault('repeats with +, which could only be matched by backtracking (write \\+ for the character)')
    } else this.#char(nodes, char)
  }

  #char(nodes: GlobNode[], char: string): void {
    const code = char.charCodeAt(0)
    nodes.push(code === SLASH ? slash : { kind: 'one', set: [[code, code]] })
    if (this.#literalOpen) this.literal += char
    this.#before = char
    this.#at++
  }

  /** Passes over `length` characters of which the last unescaped is `char`: the literal beginning is over. */
  #special(char: string, length: number): void {
    this.#literalOpen = false
    this.#before = char
    this.#at += length
  }

  #star(nodes: GlobNode[]): void {
    const { text } = this
    const before = this.#before
    const afterStar = text.endsWith('*/', this.#at)
    let stars = 1
    while (text[this.#at + stars] === '*') stars++
    const atStart = before === '' || before === '/'
    const inBraces = this.#braces > 0 && (before === '{' || before === ',')
    if (stars === 1 || !(atStart || inBraces)) {
      if (atStart) nodes.push({ kind: 'not-end' })
      this.#special('*', stars)
      nodes.push({ kind: 'star', set: noSlash })
      return
    }
    this.#special('*', stars)
    // `/**/**` says no more than `/**`.
    while (text.startsWith('/**', this.#at) && [undefined, '/'].includes(text[this.#at + 3])) this.#at += 3
    if (text[this.#at] === '/') {
      // `a/**/b` matches `a/b`: no folder, or any number of them. (Here `/**/b` matches `/b` too, which micromatch leaves out.)
      this.#special('/', 1)
      nodes.push(optional([anything, slash]))
    } else if (
      this.#at === text.length &&
      before === '/' &&
      nodes.length > 1 &&
      nodes.at(-1) === slash &&
      !afterStar
    ) {
      // `a/**` matches `a` (but `*/**` not `a`).
      if (this.literal.endsWith('/')) this.literal = this.literal.slice(0, -1)
      nodes.pop()
      nodes.push(optional([slash, anything]))
    } else nodes.push(anything)
  }

  #characterClass(nodes: GlobNode[]): void {
    const { text } = this
    let at = this.#at + 1
    const negated = text[at] === '^'
    if (negated) at++
    else if (text[at] === '!') throw fault('has "[!": write [^…] for the characters that may not be there')
    const ranges: (readonly [number, number])[] = []
    const first = at
    for (; text[at] !== ']' || at === first; at++) {
      if (at >= text.length) throw fault('has a "[" without "]" (write \\[ for the character)')
      if (text[at] === '[' && text[at + 1] === ':')
        throw fault('has a POSIX class like [:alpha:]: write it out, e.g. [a-zA-Z]')
      if (text[at] === '\\') at++
      const low = text.charCodeAt(at)
      if (text[at + 1] === '-' && at + 2 < text.length && text[at + 2] !== ']') {
        at += text[at + 2] === '\\' ? 3 : 2
        if (!(text.charCodeAt(at) >= low)) throw fault('has a character range that runs backwards')
      }
      ranges.push([low, text.charCodeAt(at)])
    }
    this.#special(']', at + 1 - this.#at)
    const set = charSet(ranges)
    nodes.push({ kind: 'one', set: negated ? others(charSet([...set, [SLASH, SLASH]])) : set })
  }

  #alternatives(nodes: GlobNode[]): void {
    const range = /^\{([^{},]*)\}/.exec(this.text.slice(this.#at))
    if (range?.[1]?.includes('..')) {
      nodes.push({ kind: 'any-of', options: rangeOf(range[1]) })
      this.#special('}', range[0].length)
      return
    }
    const options: GlobNode[][] = []
    this.#braces++
    do {
      this.#special(this.text[this.#at]!, 1)
      options.push(this.#sequence())
    } while (this.text[this.#at] === ',')
    this.#braces--
    if (this.text[this.#at] !== '}') throw fault('has a "{" without "}" (write \\{ for the character)')
    this.#special('}', 1)
    nodes.push({ kind: 'any-of', options })
  }

  /** `{z}`: neither comma nor range in these braces themselves. */
  #isPlainBrace(): boolean {
    const { text } = this
    let depth = 0
    for (let at = this.#at; at < text.length; at++) {
      if (text[at] === '\\') at++
      else if (text[at] === '{') depth++
      else if (text[at] === '}' && --depth === 0) return true
      else if (depth === 1 && (text[at] === ',' || text.startsWith('..', at))) return false
    }
    throw fault('has a "{" without "}" (write \\{ for the character)')
  }
}

function optional(nodes: GlobNode[]): GlobNode {
  return { kind: 'any-of', options: [nodes, []] }
}

/** As sequences of characters. */
function rangeOf(text: string): GlobNode[][] {
  const letters = /^([a-z])\.\.([a-z])$|^([A-Z])\.\.([A-Z])$/.exec(text)
  const numbers = /^(0|[1-9]\d{0,8})\.\.(0|[1-9]\d{0,8})$/.exec(text)
  if (letters === null && numbers === null) {
    throw fault(
      `has the range {${text}}: ranges are of whole numbers without leading zeros, or of letters, like {1..12} or {a..f}`,
    )
  }
  const ends = text.split('..').map(end => (numbers === null ? end.charCodeAt(0) : Number(end)))
  const [low, high] = [Math.min(...ends), Math.max(...ends)]
  if (high - low >= MAX_RANGE) throw fault(`has a range of more than ${MAX_RANGE} values`)
  const one = (set: CharSet): GlobNode => ({ kind: 'one', set })
  if (numbers === null) return [[one([[low, high]])]]
  return digitRanges(low, high).map(digits => digits.map(([a, b]) => one([[ZERO + a, ZERO + b]])))
}

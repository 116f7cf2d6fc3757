/** The largest delta-seconds that is told apart (RFC 9111 §1.2.2): 2^31. Everything greater counts as this. */
export const MAX_DELTA_SECONDS = 2_147_483_648

/** Cache directives as they were written: nothing is decided here. Directive names are asked for in lower case. */
export interface CacheControl {
  has(name: string): boolean
  /**
   * The directive's delta-seconds (RFC 9111 §1.2.2), in token or quoted form, at most {@link MAX_DELTA_SECONDS}. Of duplicates
   * the first counts (RFC 9111 §4.2.1). undefined when the directive is absent, has no value, or an invalid one.
   */
  seconds(name: string): number | undefined
  /** Present with a value that is no delta-seconds (`max-age=1.5`, `max-age=-1`, `max-age =1`). Of duplicates the first counts. */
  invalid(name: string): boolean
  /** The first occurrence's value, unquoted; undefined when the directive is absent or has none. */
  argument(name: string): string | undefined
  /**
   * Field names of `private="a, b"` or `no-cache="a"` in lower case, of all occurrences; undefined when the directive is absent
   * or any occurrence is unqualified or names something that is no field: the unqualified form forbids more.
   */
  fieldNames(name: string): readonly string[] | undefined
  /** Names of all directives in lower case, in order of first occurrence. */
  readonly names: readonly string[]
  /**
   * A syntax fault was met, so what was read may not be what was meant: an unclosed quote, an element that is no
   * `token [ "=" ( token / quoted-string ) ]` (`max-age=60; private`, `no store`). Failing closed is the policy's business.
   */
  readonly malformed: boolean
}

/** One directive of a name, all its occurrences together. */
interface Directive {
  readonly argument: string | undefined
  readonly seconds: number | undefined
  readonly invalid: boolean
  /** Values of all occurrences; null once one of them is unqualified. */
  qualifiers: string[] | null
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/i
const DIGITS = /^\d+$/

/** Collects directives, then answers for them; both parsers (RFC 9111 and Structured Fields) give one of these. */
export class Directives implements CacheControl {
  readonly #byName = new Map<string, Directive>()
  #malformed = false

  get names(): readonly string[] {
    return [...this.#byName.keys()]
  }

  get malformed(): boolean {
    return this.#malformed
  }

  has(name: string): boolean {
    return this.#byName.has(name)
  }

  seconds(name: string): number | undefined {
    return this.#byName.get(name)?.seconds
  }

  invalid(name: string): boolean {
    return this.#byName.get(name)?.invalid === true
  }

  argument(name: string): string | undefined {
    return this.#byName.get(name)?.argument
  }

  fieldNames(name: string): readonly string[] | undefined {
    const qualifiers = this.#byName.get(name)?.qualifiers
    if (qualifiers === undefined || qualifiers === null) return undefined
    const found = new Set<string>()
    for (const list of qualifiers) {
      for (const part of list.split(',')) {
        const field = part.trim().toLowerCase()
        if (field === '') continue
        if (!TOKEN.test(field)) return undefined
        found.add(field)
      }
    }
    return found.size === 0 ? undefined : [...found]
  }

  markMalformed(): void {
    this.#malformed = true
  }

  /**
   * Adds one occurrence.
   * @param name in lower case. @param argument unquoted value, or undefined without one.
   * @param odd the value was found where none may stand (whitespace round `=`): it is shown, but neither a number nor a list of fields.
   */
  add(name: string, argument: string | undefined, odd = false): void {
    const qualifies = argument !== undefined && !odd
    const known = this.#byName.get(name)
    if (known !== undefined) {
      if (!qualifies) known.qualifiers = null
      else known.qualifiers?.push(argument)
      return
    }
    const numeric = qualifies && DIGITS.test(argument)
    this.#byName.set(name, {
      argument,
      seconds: numeric ? Math.min(Number(argument), MAX_DELTA_SECONDS) : undefined,
      invalid: argument !== undefined && !numeric,
      qualifiers: qualifies ? [argument] : null,
    })
  }
}

/** No directives at all. */
export const NO_CACHE_CONTROL: CacheControl = Object.freeze(new Directives())

/**
 * Reads the field lines of Cache-Control (RFC 9111 §5.2), each by itself, so that an unclosed quote can't swallow the next line.
 * Directive names are case-insensitive, empty elements are skipped, values may be tokens or quoted strings with escapes.
 * Takes time linear in the length of the lines.
 */
export function parseCacheControl(lines: readonly string[]): CacheControl {
  if (lines.length === 0) return NO_CACHE_CONTROL
  const only = lines.length === 1 && lines[0]!.length <= LONGEST_KNOWN ? lines[0]! : undefined
  const known = only === undefined ? undefined : KNOWN.get(only)
  if (known !== undefined) return known
  const read = readLines(lines)
  if (only === undefined) return read
  if (KNOWN.size >= MOST_KNOWN) KNOWN.clear()
  KNOWN.set(only, read)
  return read
}

/** What was read last: an origin sends few different ones, and each stored response keeps what was read out of its own. */
const KNOWN = new Map<string, CacheControl>()
const MOST_KNOWN = 512
const LONGEST_KNOWN = 256

function readLines(lines: readonly string[]): CacheControl {
  const directives = new Directives()
  for (const line of lines) parseLine(line, directives)
  return directives
}

function parseLine(line: string, into: Directives): void {
  let pos = 0
  while (pos < line.length) {
    const end = endOfElement(line, pos)
    parseElement(line.slice(pos, end), into)
    pos = end + 1
  }
}

/** Position of the comma that ends the element, commas in quoted strings left out; the line's length when there is none. */
function endOfElement(line: string, from: number): number {
  let quoted = false
  for (let i = from; i < line.length; i++) {
    const c = line.charCodeAt(i)
    if (c === 0x22) quoted = !quoted
    else if (c === 0x5c && quoted) i++
    else if (c === 0x2c && !quoted) return i
  }
  return line.length
}

function parseElement(element: string, into: Directives): void {
  const text = element.trim()
  if (text === '') return
  const equals = text.indexOf('=')
  const rawName = equals === -1 ? text : text.slice(0, equals)
  const name = rawName.trimEnd()
  if (!TOKEN.test(name)) {
    into.markMalformed()
    return
  }
  if (equals === -1) {
    into.add(name.toLowerCase(), undefined)
    return
  }
  const rawValue = text.slice(equals + 1)
  const value = rawValue.trimStart()
  const spaced = rawName !== name || rawValue !== value
  const argument = TOKEN.test(value) ? value : unquote(value)
  if (spaced || argument === undefined) into.markMalformed()
  into.add(name.toLowerCase(), argument ?? value, spaced || argument === undefined)
}

/** Content of a quoted-string (RFC 9110 §5.6.4), or undefined when `text` is none. */
function unquote(text: string): string | undefined {
  if (text.length < 2 || text.charCodeAt(0) !== 0x22) return undefined
  let plain = ''
  let run = 1
  for (let i = 1; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x22) return i === text.length - 1 ? plain + text.slice(run, i) : undefined
    if (c !== 0x5c) continue
    plain += text.slice(run, i)
    run = ++i // the escaped character opens the next run, be it a quote or a backslash
  }
  return undefined
}

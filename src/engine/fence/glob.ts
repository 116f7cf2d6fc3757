import { StrataError } from '../../errors.js'
import { parseGlob, type GlobNode } from './glob-parse.js'

export { MAX_GLOB } from './glob-parse.js'

/** One step of a compiled glob: test a character, branch, hold that something follows, or accept. */
type Step =
  | { readonly op: 'test'; readonly test: (code: number) => boolean }
  | { readonly op: 'split'; readonly to: number[] }
  | { readonly op: 'not-end' }
  | { readonly op: 'accept' }

const MAX_STEPS = 8192

/**
 * A glob matcher whose cost is bounded by (steps of the glob × characters of the text): it keeps the set of places in the glob
 * that the text read so far can be at, and never goes back. micromatch compiles to regular expressions that can backtrack for
 * longer than the universe has, and these patterns come from users.
 * @throws StrataError STRATA_BAD_REQUEST that says what of micromatch's syntax is not supported.
 */
export function compileGlob(pattern: string): (text: string) => boolean {
  const glob = new Glob(pattern)
  return text => glob.matches(text)
}

export class Glob {
  /** Places visited since the beginning, for the test of linear time. */
  visits = 0
  readonly #steps: Step[] = []
  readonly #literal: string
  readonly #negated: boolean
  /** For each step: the last position (made unique over calls) at which it was added to the set. */
  readonly #added: Float64Array
  #clock = 0

  constructor(readonly pattern: string) {
    const { nodes, literal, negated } = parseGlob(pattern)
    this.#literal = literal
    this.#negated = negated
    this.#emit(nodes)
    this.#steps.push({ op: 'accept' })
    this.#added = new Float64Array(this.#steps.length).fill(-1)
  }

  /** Ways from step to step: as many visits, at most, as one character of the text can cost. */
  get edges(): number {
    return this.#steps.reduce((sum, step) => sum + (step.op === 'split' ? step.to.length : 1), 1)
  }

  matches(text: string): boolean {
    // As micromatch: a text equal to the pattern always matches, whatever its characters mean.
    return text === this.pattern || this.#run(text) !== this.#negated
  }

  /** Whether a text may match that begins with this; `false` is certain. Of the pattern as it stands, whether negated or not. */
  mayBeginWith(text: string): boolean {
    if (this.pattern.startsWith(text)) return true
    return this.#literal.startsWith(text) || this.#places(text, false).length > 0
  }

  #run(text: string): boolean {
    return this.#places(text, true).some(place => this.#steps[place]!.op === 'accept')
  }

  /** Where in the glob one can be after this text. `ends`: nothing follows it. */
  #places(text: string, ends: boolean): readonly number[] {
    if (!text.startsWith(this.#literal)) return []
    let places: number[] = []
    let next: number[] = []
    this.#clock++
    this.#add(places, 0, ends && text.length === 0)
    for (let at = 0; at < text.length && places.length > 0; at++) {
      const code = text.charCodeAt(at)
      const atEnd = ends && at + 1 === text.length
      this.#clock++
      for (const place of places) {
        const step = this.#steps[place]!
        if (step.op === 'test' && step.test(code)) this.#add(next, place + 1, atEnd)
      }
      const spent = places
      places = next
      next = spent
      next.length = 0
    }
    return places
  }

  /** Adds a step and all that are reached from it without reading a character, each at most once for a position. */
  #add(places: number[], from: number, atEnd: boolean): void {
    const todo = [from]
    for (let place = todo.pop(); place !== undefined; place = todo.pop()) {
      this.visits++
      if (this.#added[place] === this.#clock) continue
      this.#added[place] = this.#clock
      const step = this.#steps[place]!
      if (step.op === 'split') todo.push(...step.to)
      else if (step.op === 'not-end') {
        if (!atEnd) todo.push(place + 1)
      } else places.push(place)
    }
  }

  #emit(nodes: readonly GlobNode[]): void {
    for (const node of nodes) {
      if (node.kind === 'one') this.#push({ op: 'test', test: node.test })
      else if (node.kind === 'not-end') this.#push({ op: 'not-end' })
      else if (node.kind === 'star') {
        const start = this.#steps.length
        this.#push({ op: 'split', to: [start + 1, start + 3] })
        this.#push({ op: 'test', test: node.test })
        this.#push({ op: 'split', to: [start] })
      } else this.#emitOptions(node.options)
    }
  }

  #emitOptions(options: readonly (readonly GlobNode[])[]): void {
    const branch: number[] = []
    const exits: number[][] = []
    this.#push({ op: 'split', to: branch })
    for (const option of options) {
      branch.push(this.#steps.length)
      this.#emit(option)
      const exit: number[] = []
      exits.push(exit)
      this.#push({ op: 'split', to: exit })
    }
    for (const exit of exits) exit.push(this.#steps.length)
  }

  #push(step: Step): void {
    if (this.#steps.length >= MAX_STEPS)
      throw new StrataError('STRATA_BAD_REQUEST', 'the pattern has too many alternatives')
    this.#steps.push(step)
  }
}

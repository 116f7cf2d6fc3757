import { createHash } from 'node:crypto'
import type { LoggedMark, TileBook } from '../ports/index.js'
import { criteriaText, decodeMark } from './mark-codec.js'
import { concerns, type Mark, type Subject } from './mark.js'
import { namesOf } from './mark-faults.js'
import { isStrataError } from '../../errors.js'
import { boundsIn, raise, UrlMarks, type Bounds } from './url-marks.js'

/** A mark of the log, decoded. */
export interface HeldMark {
  /** Its place in the log. */
  readonly seq: number
  /** Entries stamped below it are concerned: `seq`, or less for a mark that was moved to the log's end. */
  readonly bound: number
  readonly mark: Mark
  /** What it counts for at the log's limit: more than one, where it is long. */
  readonly weight: number
}

/** Length of a mark that counts for one, bytes. */
const WEIGHT_BYTES = 16 * 1024

/**
 * @returns the mark; one about everything when this version cannot read it (a newer node wrote it): what may be dead is not served.
 */
export function holdMark({ seq, mark: text }: LoggedMark): HeldMark {
  let mark: Mark
  try {
    mark = decodeMark(text)
  } catch (error) {
    if (!isStrataError(error, 'STRATA_DECODE')) throw error
    mark = { all: true, soft: false, at: 0, id: '' }
  }
  return {
    seq,
    bound: Math.min(seq, mark.before ?? seq),
    mark,
    weight: Math.ceil((text.length + 1) / WEIGHT_BYTES),
  }
}

interface Listed extends Bounds {
  readonly mark: Mark
}

/**
 * The live marks, arranged so that an entry is held against many at the cost of few: marks about one key, one tag or one URL
 * alone are looked up, of those that say the same only the newest counts, and only the others are gone through.
 */
export class MarkIndex {
  /** Greatest bound of all: an entry stamped with this or more is concerned by none. */
  newest = 0
  readonly #all: Bounds = { hard: 0, soft: 0 }
  readonly #keys = new Map<string, Bounds>()
  readonly #tags = new Map<string, Bounds>()
  readonly #urls = new UrlMarks()
  readonly #others = new Map<string, Listed>()

  constructor(private readonly tiles?: TileBook) {}

  add(held: HeldMark): void {
    this.newest = Math.max(this.newest, held.bound)
    const by = held.mark.soft ? { hard: 0, soft: held.bound } : { hard: held.bound, soft: 0 }
    const { url } = held.mark
    if (url !== undefined && namesOf(held.mark).length === 1) this.#urls.add(url, by)
    else raise(this.#boundsOf(held.mark), by)
  }

  /** What the marks with a bound above `from` make of the entry. */
  verdict(entry: Subject, from: number): 'live' | 'soft' | 'dead' {
    if (from >= this.newest) return 'live'
    if (this.#all.hard > from) return 'dead'
    let soft = this.#all.soft > from
    const consider = (bounds: Bounds | undefined): boolean => {
      if (bounds === undefined) return false
      if (bounds.soft > from) soft = true
      return bounds.hard > from
    }
    if (this.#keys.size > 0 && consider(this.#keys.get(entry.key))) return 'dead'
    if (this.#tags.size > 0) for (const tag of entry.tags) if (consider(this.#tags.get(tag))) return 'dead'
    if (this.#urls.size > 0 && consider(this.#urls.find(entry))) return 'dead'
    for (const listed of this.#others.values()) {
      if (listed.hard <= from && (soft || listed.soft <= from)) continue
      if (concerns(listed.mark, entry, this.tiles) && consider(listed)) return 'dead'
    }
    return soft ? 'soft' : 'live'
  }

  #boundsOf(mark: Mark): Bounds {
    const names = namesOf(mark)
    if (names.length === 1) {
      if (mark.all === true) return this.#all
      if (mark.key !== undefined) return boundsIn(this.#keys, mark.key)
      if (mark.tag !== undefined) return boundsIn(this.#tags, mark.tag)
    }
    const text = short(criteriaText(mark))
    let listed = this.#others.get(text)
    if (listed === undefined) this.#others.set(text, (listed = { mark, hard: 0, soft: 0 }))
    return listed
  }
}

/** Texts of areas are long, and kept for as long as the mark is. */
function short(text: string): string {
  return text.length <= 256 ? text : createHash('sha256').update(text).digest('base64url')
}

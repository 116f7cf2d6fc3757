import type { Reply } from './client.js'
import { bodyOf, etagOf, type VersionedOrigin } from './origin.js'

/** One thing that happened to a URL. */
interface Event {
  readonly at: number
  readonly what: string
}

interface Subject {
  /** Answers to requests from now on are of this version or newer: a purge has said so. */
  floor: number
  /** … are to become so: a soft purge has said so. */
  softFloor: number
  readonly events: Event[]
}

export interface Violation {
  readonly url: string
  readonly message: string
  /** All that happened to the URL, in order. */
  readonly history: readonly string[]
}

const MOST_ODDITIES = 20

/** What has been promised when a request sets out. */
export interface Expectation {
  readonly url: string
  readonly node: string
  readonly variant: string
  readonly floor: number
}

/** What a purge will promise, should it answer 200. */
export interface PurgeSent {
  readonly what: string
  readonly soft: boolean
  readonly versions: ReadonlyMap<string, number>
}

/**
 * Knows what every answer must be: its version is at least the newest whose purge had answered 200 before the request was sent (P1),
 * and its bytes are that version's (P3).
 */
export class Oracle {
  readonly violations: Violation[] = []
  /** No violations, but not what a client likes either: the first that were very slow, or cut off by a node that runs. */
  readonly oddities: Violation[] = []
  readonly #subjects = new Map<string, Subject>()
  readonly #started = performance.now()

  constructor(private readonly origin: VersionedOrigin) {}

  watch(url: string): void {
    this.#subjects.set(url, { floor: 0, softFloor: 0, events: [] })
  }

  forget(url: string): void {
    this.#subjects.delete(url)
  }

  note(url: string, what: string): void {
    this.#subjects.get(url)?.events.push({ at: performance.now() - this.#started, what })
  }

  /** What may bear on any URL: a fault. */
  noteAll(what: string): void {
    for (const url of this.#subjects.keys()) this.note(url, what)
  }

  requestSent(url: string, node: string, variant: string): Expectation {
    const floor = this.#subjects.get(url)?.floor ?? 0
    this.note(url, `request to ${node}, variant ${variant}: at least version ${floor}`)
    return { url, node, variant, floor }
  }

  /** Judges a whole answer. Gives its version, or undefined when it is none of the origin's content. */
  answered({ url, node, variant, floor }: Expectation, reply: Reply): number | undefined {
    const { status, headers, body } = reply
    const page = this.origin.page(url)
    if (page === undefined) return undefined
    if (status === 0) {
      this.note(url, `no answer from ${node}: ${reply.error}`)
      return undefined
    }
    const cache = `${String(headers['x-cache'])}; ${String(headers['cache-status'])}`
    if (status !== 200 && status !== 206 && status !== 304) {
      this.note(url, `answer from ${node}: ${status} (${cache})`)
      return undefined
    }
    const version = Number(
      status === 304 ? /^"v(\d+)-/.exec(String(headers.etag))?.[1] : headers['x-version'],
    )
    this.note(
      url,
      `answer from ${node}, asked for at least ${floor}: ${status}, version ${version} (${cache})`,
    )
    if (!(version >= 1)) this.#violated(url, `${node} answered ${status} without a version`)
    if (version < floor) {
      this.#violated(url, `${node} answered version ${version} where ${floor} was the oldest that may be`)
    }
    if (version > this.origin.version(url)) this.#violated(url, `${node} answered a version that never was`)
    const asked = page.varies ? variant : 'one'
    const whole = bodyOf(page, version, asked)
    if (status === 200 && !body.equals(whole)) {
      const text = JSON.stringify(body.toString('latin1', 0, 60))
      this.#violated(
        url,
        `${node} answered ${body.length} bytes (${text}) that are not version ${version} (${asked})`,
      )
    }
    if (status === 206) {
      const [, first, last] = /^bytes (\d+)-(\d+)\//.exec(String(headers['content-range'])) ?? []
      if (first === undefined || !body.equals(whole.subarray(Number(first), Number(last) + 1)))
        this.#violated(url, `${node} answered a part that is not of version ${version}`)
    }
    if (status === 304 && page.validates && headers.etag !== etagOf(version, asked))
      this.#violated(url, `${node} confirmed ${String(headers.etag)} to who asked for variant ${asked}`)
    return version
  }

  purgeSent(urls: readonly string[], what: string, soft: boolean): PurgeSent {
    const versions = new Map<string, number>()
    for (const url of urls) {
      if (this.origin.page(url) === undefined) continue
      versions.set(url, this.origin.version(url))
      this.note(url, `${what} sent, at version ${this.origin.version(url)}`)
    }
    return { what, soft, versions }
  }

  /** `holds`: it answered 200. Anything else promises nothing. */
  purgeAnswered({ what, soft, versions }: PurgeSent, answer: string, holds: boolean): void {
    for (const [url, version] of versions) {
      this.note(url, `${what}: ${answer}`)
      const subject = this.#subjects.get(url)
      if (subject === undefined || !holds) continue
      if (soft) subject.softFloor = Math.max(subject.softFloor, version)
      else subject.floor = Math.max(subject.floor, version)
    }
  }

  /** What a soft purge has promised for some time soon. */
  softFloor(url: string): number {
    return this.#subjects.get(url)?.softFloor ?? 0
  }

  refreshNeverCame(url: string, version: number | undefined): void {
    this.#violated(url, `still version ${version} long after a soft purge of version ${this.softFloor(url)}`)
  }

  odd(url: string, message: string): void {
    if (this.oddities.length < MOST_ODDITIES) this.oddities.push(this.#told(url, message))
  }

  #violated(url: string, message: string): void {
    this.violations.push(this.#told(url, message))
  }

  #told(url: string, message: string): Violation {
    const events = this.#subjects.get(url)?.events ?? []
    const history = events.map(({ at, what }) => `${at.toFixed(1).padStart(10)} ms  ${what}`)
    return { url, message, history }
  }
}

import type { StrataError } from '../../src/errors.js'
import type { EntryCandidate } from '../../src/engine/candidates.js'
import type { FlightHead, FlightReader } from '../../src/engine/flight.js'

/** A reader that writes down what it is given. */
export class Notes implements FlightReader {
  readonly log: string[] = []
  /** Takes no more until `ready`. */
  full = false
  onEach: () => void = () => {}
  readonly failed: Promise<StrataError>
  #fail: (error: StrataError) => void = () => {}

  constructor(private readonly wants: (head: FlightHead) => boolean = () => true) {
    this.failed = new Promise(resolve => (this.#fail = resolve))
  }
  isFor(): boolean {
    return true
  }
  accepts(head: FlightHead): boolean {
    return this.wants(head)
  }
  onHead(head: FlightHead, whole: boolean): void {
    this.log.push(`head ${head.status}${whole ? ' whole' : ''}`)
  }
  onChunk(chunk: Buffer): boolean {
    this.log.push(chunk.toString())
    this.onEach()
    return !this.full
  }
  onEnd(): void {
    this.log.push('end')
  }
  onFailure(error: StrataError): void {
    this.log.push(`failure ${error.code}`)
    this.#fail(error)
  }
  onStored(_entry: EntryCandidate, result: string, detail: string): void {
    this.log.push(`stored ${result} ${detail}`)
  }
  onReleased(): void {
    this.log.push('released')
  }
}

export const HEAD: FlightHead = {
  status: 200,
  reason: 'OK',
  fields: [],
  delimited: true,
  sharedFields: [],
  sharedUntil: Infinity,
  bornAt: 0,
  refusal: undefined,
}

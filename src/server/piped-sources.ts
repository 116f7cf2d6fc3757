import type { Readable } from 'node:stream'

/**
 * The streams that a handler pipes into its response. A proxy among the handlers may end the response though its upstream broke
 * off (http-proxy-middleware appends a text and ends it): a source that closed before its end makes the answer torn, once a part
 * of it is out. Before that the handler can still answer something else.
 */
export class PipedSources {
  readonly #sources = new Set<Readable>()

  constructor(
    private readonly hasBegun: () => boolean,
    private readonly onTorn: () => void,
  ) {}

  add(source: Readable): void {
    if (this.#sources.has(source)) return
    this.#sources.add(source)
    source.once('close', () => {
      if (this.#sources.has(source) && isCut(source) && this.hasBegun()) this.onTorn()
    })
  }

  /** Taken off by the handler: what it did not want of a sound source is no cut. */
  remove(source: Readable): void {
    if (!source.destroyed) this.#sources.delete(source)
  }

  get isTorn(): boolean {
    if (!this.hasBegun()) return false
    for (const source of this.#sources) if (isCut(source)) return true
    return false
  }
}

/** Old-style streams do not say whether they have ended. */
function isCut(source: Readable): boolean {
  return source.readableEnded === false
}

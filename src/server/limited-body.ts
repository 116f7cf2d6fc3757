import { Transform, type Readable, type TransformCallback } from 'node:stream'
import { StrataError } from '../errors.js'

/** Content that says no length beforehand: it is cut off, and so is its request, once it is longer than the limit. */
export function limitedBody(source: Readable, maxBytes: number): Readable {
  const limit = new ByteLimit(maxBytes)
  // Of a client that leaves there is no `end`: whoever reads must learn of it.
  source.once('error', error => limit.destroy(error))
  source.once('close', () => {
    if (!source.readableEnded) limit.destroy(new Error('the client broke off its request'))
  })
  return source.pipe(limit)
}

class ByteLimit extends Transform {
  #bytes = 0
  constructor(private readonly maxBytes: number) {
    super()
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#bytes += chunk.length
    if (this.#bytes > this.maxBytes) done(tooLarge())
    else done(null, chunk)
  }
}

export function tooLarge(): StrataError {
  return new StrataError('STRATA_TOO_LARGE', 'the content of the request is larger than server.maxBodyBytes')
}

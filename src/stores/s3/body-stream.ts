import { Readable } from 'node:stream'
import { StrataError } from '../../errors.js'
import { shortBody } from '../local/body-id.js'
import { s3Error } from './errors.js'

export interface Window {
  /** Bytes of the source before those that were asked for. */
  readonly skip: number
  /** Bytes that were asked for. */
  readonly take: number
}

/**
 * A body, or a part of it, as it comes from S3: destroyed with an error when it is cut, when it ends too early, and when S3 is
 * silent for `idleMs` while the reader waits. A reader that takes its time is no silence.
 */
export function bodyStream(source: Readable, id: string, window: Window, idleMs: number): Readable {
  const stream = Readable.from(chunksOf(source, id, window, idleMs), {
    objectMode: false,
    highWaterMark: 65_536,
  })
  // A reader that leaves amid a wait: the generator would notice only after it.
  stream.once('close', () => source.destroy())
  return stream
}

async function* chunksOf(
  source: Readable,
  id: string,
  { skip, take }: Window,
  idleMs: number,
): AsyncGenerator<Buffer> {
  let at = 0
  const end = skip + take
  const silent = () => source.destroy(silence(id, idleMs))
  let timer = setTimeout(silent, idleMs)
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      clearTimeout(timer)
      const part = chunk.subarray(Math.max(0, skip - at), end - at)
      at += chunk.length
      if (part.length > 0) yield part
      // More than was asked for: away with it. Otherwise wait for the end, which leaves the connection fit for the next request.
      if (at > end) return
      timer = setTimeout(silent, idleMs)
    }
  } catch (error) {
    throw s3Error(error, id)
  } finally {
    clearTimeout(timer)
    // What lies beyond the window, and what a reader that has left does not take.
    if (!source.readableEnded) source.destroy()
  }
  if (at < end) throw shortBody(id, at, end)
}

function silence(id: string, idleMs: number): StrataError {
  return new StrataError('STRATA_STORE_TIMEOUT', `S3 was silent for ${idleMs} ms within body ${id}`)
}

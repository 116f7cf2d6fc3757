import { randomBytes } from 'node:crypto'
import type { BodySink } from '../../engine/ports/index.js'
import { StrataError } from '../../errors.js'
import type { BodyIndex } from './body-index.js'
import { partsManifest, readManifest, wholeManifest, type BodyPlace } from './body-layout.js'
import type { RedisClient } from './client.js'
import { redisError } from './errors.js'

export interface RedisSinkOptions {
  readonly redis: RedisClient
  readonly id: string
  readonly place: BodyPlace
  readonly chunkBytes: number
  readonly maxBodyBytes: number
  readonly index: BodyIndex
}

/** How long the chunks of an unfinished body stay, s: longer than any fill takes. */
const UNFINISHED = 6 * 3_600

/** Keys in one command, and commands at once. */
const BATCH = 64

/** Writes chunk by chunk. With a caller that waits when told to, memory holds two chunks at most. */
export function redisBodySink(options: RedisSinkOptions): BodySink {
  return new RedisBodySink(options)
}

class RedisBodySink implements BodySink {
  readonly #options: RedisSinkOptions
  readonly #token = randomBytes(6).toString('base64url')
  #buffered: Buffer[] = []
  #bufferedBytes = 0
  #size = 0
  #chunks = 0
  /** Chunks under way, one after the other; never rejects, its failure is kept. */
  #queue: Promise<void> = Promise.resolve()
  #failure: StrataError | undefined

  constructor(options: RedisSinkOptions) {
    this.#options = options
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    const { chunkBytes, maxBodyBytes, id } = this.#options
    this.#size += chunk.length
    if (this.#size > maxBodyBytes) {
      this.#fail(
        new StrataError(
          'STRATA_TOO_LARGE',
          `body ${id} is larger than the ${maxBodyBytes} bytes that may lie in Redis`,
        ),
      )
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    // A copy: the caller may use its buffer again, and a part of one would keep all of it alive.
    this.#buffered.push(Buffer.from(chunk))
    this.#bufferedBytes += chunk.length
    // A body of exactly one chunk stays one value.
    if (this.#bufferedBytes <= chunkBytes) return undefined
    // The chunk before must have gone; the one that goes now may be under way while the next fills.
    const before = this.#queue
    this.#send(false)
    return before.then(() => this.#check())
  }

  async finish(): Promise<void> {
    this.#check()
    try {
      if (this.#chunks === 0) await this.#publish(wholeManifest(Buffer.concat(this.#buffered)))
      else {
        this.#send(true)
        await this.#queue
        this.#check()
        await this.#publish(
          partsManifest({ size: this.#size, chunkBytes: this.#options.chunkBytes, token: this.#token }),
        )
        await this.#keepChunks()
      }
    } catch (error) {
      throw redisError(error)
    }
  }

  async abort(): Promise<void> {
    this.#fail(
      new StrataError('STRATA_STORE_UNAVAILABLE', `the write of body ${this.#options.id} was given up`),
    )
    this.#buffered = []
    await this.#queue
    const keys = this.#keys()
    for (let n = 0; n < keys.length; n += BATCH) {
      // What can't be deleted now expires by itself.
      await this.#options.redis.unlink(keys.slice(n, n + BATCH)).catch(() => 0)
    }
  }

  /** Queues whole chunks, and with `last` the rest as well. */
  #send(last: boolean): void {
    const { chunkBytes, redis, place } = this.#options
    const bytes = this.#buffered.length === 1 ? this.#buffered[0]! : Buffer.concat(this.#buffered)
    let at = 0
    while (bytes.length - at > chunkBytes || (last && at < bytes.length)) {
      const part = bytes.subarray(at, at + chunkBytes)
      const key = place.chunk(this.#token, this.#chunks++)
      this.#queue = this.#queue
        .then(async () => {
          if (this.#failure === undefined) await redis.set(key, part, 'EX', UNFINISHED)
        })
        .catch(error => this.#fail(redisError(error)))
      at += part.length
    }
    this.#buffered = at < bytes.length ? [bytes.subarray(at)] : []
    this.#bufferedBytes = bytes.length - at
  }

  /** From here on the body is there. One that another writer had put in this place gives way, with its chunks. */
  async #publish(manifest: Buffer): Promise<void> {
    const { redis, place, index, id } = this.#options
    await index.add(id, this.#size)
    const before = readManifest(await redis.setBuffer(place.key, manifest, 'GET'))
    if (before === undefined || 'whole' in before) return
    const keys = place.chunks(before)
    for (let n = 0; n < keys.length; n += BATCH) await redis.unlink(keys.slice(n, n + BATCH))
  }

  /** After the manifest: a crash amid it leaves a body that a removal finds, and whose other chunks expire. */
  async #keepChunks(): Promise<void> {
    const keys = this.#keys()
    for (let n = 0; n < keys.length; n += BATCH) {
      const kept = await Promise.all(keys.slice(n, n + BATCH).map(key => this.#options.redis.persist(key)))
      if (kept.includes(0)) {
        throw new StrataError('STRATA_STORE_UNAVAILABLE', `Redis has lost chunks of body ${this.#options.id}`)
      }
    }
  }

  #keys(): string[] {
    return Array.from({ length: this.#chunks }, (_, n) => this.#options.place.chunk(this.#token, n))
  }

  #fail(error: StrataError): void {
    this.#failure ??= error
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }
}

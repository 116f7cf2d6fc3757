import { Readable } from 'node:stream'
import type { BodyListing, BodySink, BodyStore, ByteRange } from '../../engine/ports/index.js'
import { isBodyId, missingBody, requireBodyId, shortBody } from '../local/body-id.js'
import { bodyIndex, type BodyIndex } from './body-index.js'
import { bodyPlace, MANIFEST_BYTES, readManifest, type Manifest, type Parts } from './body-layout.js'
import { redisBodySink } from './body-sink.js'
import type { RedisClient } from './client.js'
import { rethrow } from './errors.js'

export interface RedisBodyOptions {
  readonly redis: RedisClient
  readonly namespace: string
  /** Largest body, bytes: it lies in Redis' memory. */
  readonly maxBodyBytes: number
  /** Bytes of one key's value (256 KiB). */
  readonly chunkBytes?: number
  /** Wall clock, ms. */
  readonly now?: () => number
}

const AT_ONCE = 64

/**
 * Bodies in Redis: up to one chunk in one value, larger ones in chunks that the body's own key names, written last. Chunks of
 * a fill that never ends expire. The connection stays its maker's: `close` does not end it.
 */
export function redisBodyStore(options: RedisBodyOptions): BodyStore {
  return new RedisBodyStore(options)
}

class RedisBodyStore implements BodyStore {
  readonly name = 'redis'
  readonly #redis: RedisClient
  readonly #namespace: string
  readonly #maxBodyBytes: number
  readonly #chunkBytes: number
  readonly #index: BodyIndex

  constructor({ redis, namespace, maxBodyBytes, chunkBytes = 256 * 1024, now = Date.now }: RedisBodyOptions) {
    this.#redis = redis
    this.#namespace = namespace
    this.#maxBodyBytes = maxBodyBytes
    this.#chunkBytes = chunkBytes
    this.#index = bodyIndex(redis, namespace, now)
  }

  sink(id: string): BodySink {
    requireBodyId(id)
    return redisBodySink({
      redis: this.#redis,
      id,
      place: bodyPlace(this.#namespace, id),
      chunkBytes: this.#chunkBytes,
      maxBodyBytes: this.#maxBodyBytes,
      index: this.#index,
    })
  }

  async put(id: string, bytes: Uint8Array): Promise<void> {
    const sink = this.sink(id)
    await sink.write(bytes)
    await sink.finish()
  }

  async get(id: string): Promise<Buffer> {
    const manifest = await this.#manifest(id)
    if ('whole' in manifest) return manifest.whole
    const chunks: Buffer[] = []
    for await (const chunk of this.#chunks(id, manifest, 0, manifest.size - 1)) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  async read(id: string, range?: ByteRange): Promise<Readable> {
    const manifest = await this.#manifest(id)
    const size = 'whole' in manifest ? manifest.whole.length : manifest.size
    const { first, last } = range ?? { first: 0, last: size - 1 }
    if (last >= size) throw shortBody(id, size, last + 1)
    if ('whole' in manifest)
      return Readable.from([manifest.whole.subarray(first, last + 1)], { objectMode: false })
    const options = { objectMode: false, highWaterMark: manifest.chunkBytes }
    return Readable.from(this.#chunks(id, manifest, first, last), options)
  }

  async remove(ids: readonly string[]): Promise<void> {
    const known = ids.filter(isBodyId)
    for (let i = 0; i < known.length; i += AT_ONCE) {
      await Promise.all(known.slice(i, i + AT_ONCE).map(id => this.#removeOne(id)))
    }
  }

  list(limit: number, cursor?: string): Promise<BodyListing> {
    return this.#index.list(limit, cursor)
  }

  async ping(): Promise<void> {
    await this.#redis.ping().catch(rethrow)
  }

  async close(): Promise<void> {}

  async #manifest(id: string): Promise<Manifest> {
    if (!isBodyId(id)) throw missingBody(id)
    const manifest = readManifest(
      await this.#redis.getBuffer(bodyPlace(this.#namespace, id).key).catch(rethrow),
    )
    if (manifest === undefined) throw missingBody(id)
    return manifest
  }

  async *#chunks(id: string, { size, chunkBytes, token }: Parts, first: number, last: number) {
    const place = bodyPlace(this.#namespace, id)
    const fetch = (n: number) => this.#redis.getBuffer(place.chunk(token, n)).catch(rethrow)
    const [from, to] = [Math.floor(first / chunkBytes), Math.floor(last / chunkBytes)]
    let ahead: Promise<Buffer | null> | undefined = fetch(from)
    for (let n = from; n <= to; n++) {
      const chunk: Buffer | null = await ahead!
      const length = Math.min(chunkBytes, size - n * chunkBytes)
      if (chunk === null) throw missingBody(id)
      if (chunk.length !== length) throw shortBody(id, n * chunkBytes + chunk.length, size)
      // One chunk ahead of the reader, not more. A failure of it shows when its turn comes.
      ahead = n < to ? fetch(n + 1) : undefined
      ahead?.catch(() => undefined)
      yield chunk.subarray(
        n === from ? first - n * chunkBytes : 0,
        n === to ? last - n * chunkBytes + 1 : length,
      )
    }
  }

  /** The body's own key first: from then on nobody finds the chunks. */
  async #removeOne(id: string): Promise<void> {
    const place = bodyPlace(this.#namespace, id)
    const head = await this.#redis.getrangeBuffer(place.key, 0, MANIFEST_BYTES - 1).catch(rethrow)
    const manifest = readManifest(head)
    await this.#redis.unlink(place.key).catch(rethrow)
    if (manifest !== undefined && 'size' in manifest) {
      const keys = place.chunks(manifest)
      for (let n = 0; n < keys.length; n += AT_ONCE)
        await this.#redis.unlink(keys.slice(n, n + AT_ONCE)).catch(rethrow)
    }
    await this.#index.remove(id)
  }
}

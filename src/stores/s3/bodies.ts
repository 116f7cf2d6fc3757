import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import type { BodyListing, BodyNotes, BodySink, BodyStore, ByteRange } from '../../engine/ports/index.js'
import { StrataError } from '../../errors.js'
import { isBodyId, missingBody, requireBodyId, shortBody } from '../local/body-id.js'
import { s3BodySink } from './body-sink.js'
import { bodyStream, type Window } from './body-stream.js'
import { s3Error } from './errors.js'
import { noted, s3BodyNotes } from './notes.js'
import { PartMemory } from './part-memory.js'

export interface S3BodyOptions {
  readonly client: S3Client
  readonly bucket: string
  /** Put before every key: empty, or ends with `/`. */
  readonly prefix?: string
  readonly namespace: string
  /** Bytes of a part (8 MiB); S3 takes no less than 5 MiB. */
  readonly partSize?: number
  /** Bodies of more bytes than this go up in parts (the part size). */
  readonly multipartThreshold?: number
  /** Longest silence of S3 within a body while a reader waits, ms (10,000). */
  readonly idleTimeoutMs?: number
  /** Keeps what metadata can be made from again (true). */
  readonly notes?: boolean
}

const LEAST_PART = 5 * 1_048_576

/** S3 takes so many keys in one DeleteObjects. */
const DELETE_BATCH = 1_000

/** Bodies as objects `<prefix><namespace>/<2 letters>/<id>`; the letters spread them over S3's partitions. `close` ends the client's idle connections. */
export function s3BodyStore(options: S3BodyOptions): BodyStore {
  return new S3BodyStore(options)
}

class S3BodyStore implements BodyStore {
  readonly name = 's3'
  readonly notes: BodyNotes | undefined
  readonly #client: S3Client
  readonly #bucket: string
  readonly #root: string
  readonly #memory: PartMemory
  readonly #multipartThreshold: number
  readonly #idleTimeoutMs: number

  constructor(options: S3BodyOptions) {
    const {
      client,
      bucket,
      prefix = '',
      namespace,
      partSize = 8 * 1_048_576,
      multipartThreshold = partSize,
    } = options
    if (partSize < LEAST_PART) {
      throw new StrataError(
        'STRATA_CONFIG',
        `s3.partSizeBytes must be at least ${LEAST_PART}, S3 takes no smaller parts`,
      )
    }
    this.#client = client
    this.#bucket = bucket
    this.#root = `${prefix}${namespace}/`
    this.#memory = new PartMemory(partSize)
    this.#multipartThreshold = multipartThreshold
    this.#idleTimeoutMs = options.idleTimeoutMs ?? 10_000
    if (options.notes !== false)
      this.notes = s3BodyNotes({ client, bucket, root: this.#root, keyOf: id => this.#key(id) })
  }

  sink(id: string, note?: string): BodySink {
    requireBodyId(id)
    return s3BodySink({
      client: this.#client,
      bucket: this.#bucket,
      key: this.#key(id),
      memory: this.#memory,
      multipartThreshold: this.#multipartThreshold,
      metadata: noted(note),
    })
  }

  async put(id: string, bytes: Uint8Array, note?: string): Promise<void> {
    requireBodyId(id)
    const object = { Bucket: this.#bucket, Key: this.#key(id), Body: bytes, Metadata: noted(note) }
    try {
      await this.#client.send(new PutObjectCommand(object))
    } catch (error) {
      throw s3Error(error)
    }
  }

  async get(id: string): Promise<Buffer> {
    const chunks: Buffer[] = []
    for await (const chunk of await this.read(id)) chunks.push(chunk as Buffer)
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
  }

  async read(id: string, range?: ByteRange): Promise<Readable> {
    if (!isBodyId(id)) throw missingBody(id)
    const Range = range && `bytes=${range.first}-${range.last}`
    try {
      const answer = await this.#client.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key: this.#key(id), Range }),
      )
      const { Body, ContentLength, ContentRange } = answer
      if (!(Body instanceof Readable))
        throw new StrataError('STRATA_STORE_UNAVAILABLE', 'S3 answered without a body')
      const window = windowOf(range, ContentLength, ContentRange)
      if (window === undefined) {
        Body.destroy()
        throw shortBody(id, ContentLength ?? 0, (range?.last ?? 0) + 1)
      }
      return bodyStream(Body, id, window, this.#idleTimeoutMs)
    } catch (error) {
      throw s3Error(error, id)
    }
  }

  async remove(ids: readonly string[]): Promise<void> {
    const known = ids.filter(isBodyId)
    for (let i = 0; i < known.length; i += DELETE_BATCH) await this.#delete(known.slice(i, i + DELETE_BATCH))
  }

  async list(limit: number, cursor?: string): Promise<BodyListing> {
    const StartAfter = cursor === undefined ? undefined : this.#root + cursor
    try {
      const page = await this.#client.send(
        new ListObjectsV2Command({
          Bucket: this.#bucket,
          Prefix: this.#root,
          MaxKeys: Math.min(limit, 1_000),
          StartAfter,
        }),
      )
      const keys = page.Contents ?? []
      const bodies = keys.flatMap(({ Key = '', Size = 0, LastModified }) => {
        const id = Key.slice(this.#root.length + 3)
        // What others have put under the prefix is not ours.
        if (!isBodyId(id) || Key !== this.#key(id)) return []
        return [{ id, size: Size, modified: LastModified?.getTime() ?? 0 }]
      })
      // Keys are in order, so a page goes on behind the last one: no token that a restart would lose.
      const next = page.IsTruncated ? keys.at(-1)?.Key?.slice(this.#root.length) : undefined
      return next === undefined ? { bodies } : { bodies, cursor: next }
    } catch (error) {
      throw s3Error(error)
    }
  }

  async ping(): Promise<void> {
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket }))
    } catch (error) {
      throw s3Error(error)
    }
  }

  async close(): Promise<void> {
    this.#client.destroy()
  }

  async #delete(ids: readonly string[]): Promise<void> {
    try {
      const { Errors = [] } = await this.#client.send(
        new DeleteObjectsCommand({
          Bucket: this.#bucket,
          Delete: { Objects: ids.map(id => ({ Key: this.#key(id) })), Quiet: true },
        }),
      )
      // A 200 may hold failures of single keys.
      const failed = Errors.filter(({ Code }) => Code !== 'NoSuchKey')
      if (failed.length > 0) {
        const [{ Key, Code, Message }] = failed as [(typeof failed)[number]]
        const text = `S3 did not delete ${failed.length} of ${ids.length} bodies; ${Key}: ${Code} ${Message}`
        throw new StrataError('STRATA_STORE_UNAVAILABLE', text)
      }
    } catch (error) {
      throw s3Error(error)
    }
  }

  #key(id: string): string {
    // Of a hash, because ids share their beginnings (`s-`).
    const fanOut = createHash('md5').update(id).digest('hex').slice(0, 2)
    return `${this.#root}${fanOut}/${id}`
  }
}

/**
 * Where the bytes that were asked for lie in those that came: a server may ignore Range, or answer with more (RFC 9110 §14.2).
 * Undefined when they are not among them.
 */
function windowOf(
  range: ByteRange | undefined,
  length: number | undefined,
  contentRange: string | undefined,
): Window | undefined {
  if (length === undefined) return undefined
  if (range === undefined) return contentRange === undefined ? { skip: 0, take: length } : undefined
  const match = contentRange === undefined ? ['', '0'] : /^bytes (\d+)-\d+\//.exec(contentRange)
  if (match === null) return undefined
  const skip = range.first - Number(match[1])
  const take = range.last - range.first + 1
  return skip >= 0 && skip + take <= length ? { skip, take } : undefined
}

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
  type CompletedPart,
  type S3Client,
} from '@aws-sdk/client-s3'
import type { BodySink } from '../../engine/ports/index.js'
import { StrataError } from '../../errors.js'
import { s3Error } from './errors.js'
import type { PartMemory } from './part-memory.js'

export interface S3SinkOptions {
  readonly client: S3Client
  readonly bucket: string
  readonly key: string
  /** Bytes that are collected before they go up: the length of its pieces. */
  readonly memory: PartMemory
  /** Bodies of more bytes than this go up in parts. */
  readonly multipartThreshold: number
  /** User metadata of the object. */
  readonly metadata?: Record<string, string>
}

/** Parts under way at once: with the one that fills, memory holds three. */
const CONCURRENCY = 2

/** S3 takes no more parts than this for one object. */
const MOST_PARTS = 10_000

/** Small bodies in one request, larger ones in parts as they come: memory does not grow with the body. */
export function s3BodySink(options: S3SinkOptions): BodySink {
  return new S3BodySink(options)
}

class S3BodySink implements BodySink {
  readonly #options: S3SinkOptions
  /** All that has come, until it is too much for one request. */
  #buffered: Buffer[] = []
  #bufferedBytes = 0
  /** Then: the part that is being filled, and how far. */
  #part: Buffer | undefined
  #filled = 0
  #upload: Promise<string> | undefined
  readonly #parts: CompletedPart[] = []
  #partNumber = 0
  readonly #underWay = new Set<Promise<void>>()
  #failure: StrataError | undefined
  #done = false

  constructor(options: S3SinkOptions) {
    this.#options = options
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#upload !== undefined) this.#fill(chunk)
    else {
      // A copy: the caller may use its buffer again, and a part of one would keep all of it alive.
      this.#buffered.push(Buffer.from(chunk))
      this.#bufferedBytes += chunk.length
      const { memory, multipartThreshold } = this.#options
      if (this.#bufferedBytes <= Math.max(memory.partSize, multipartThreshold)) return undefined
      this.#upload = this.#begin()
      for (const piece of this.#buffered.splice(0)) this.#fill(piece)
    }
    return this.#underWay.size < CONCURRENCY ? undefined : this.#room()
  }

  async finish(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    const { client, bucket, key, metadata: Metadata } = this.#options
    try {
      if (this.#upload === undefined) {
        const Body = Buffer.concat(this.#buffered.splice(0))
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body, Metadata }))
      } else {
        this.#send()
        await Promise.all(this.#underWay)
        if (this.#failure !== undefined) throw this.#failure
        const Parts = [...this.#parts].sort((a, b) => a.PartNumber! - b.PartNumber!)
        const UploadId = await this.#upload
        await client.send(
          new CompleteMultipartUploadCommand({
            Bucket: bucket,
            Key: key,
            UploadId,
            MultipartUpload: { Parts },
          }),
        )
      }
      this.#done = true
    } catch (error) {
      throw s3Error(error)
    }
  }

  async abort(): Promise<void> {
    if (this.#done) return
    this.#failure ??= new StrataError(
      'STRATA_STORE_UNAVAILABLE',
      `the write of ${this.#options.key} was given up`,
    )
    this.#buffered = []
    this.#part = undefined
    if (this.#upload === undefined) return
    // Parts under way first: one that lands after the abort would stay, and be paid for.
    await Promise.all(this.#underWay)
    const { client, bucket, key } = this.#options
    try {
      const UploadId = await this.#upload
      await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId }))
      this.#done = true
    } catch (error) {
      // Nothing is lost but space: the bucket's rule for unfinished uploads (docs) removes the parts.
      this.#failure = s3Error(error)
    }
  }

  /** Copies it into parts. A full one goes up once there is more: all but the last must have the same size. */
  #fill(chunk: Uint8Array): void {
    const { memory } = this.#options
    for (let at = 0; at < chunk.length;) {
      if (this.#filled === memory.partSize) this.#send()
      this.#part ??= memory.take()
      const some = chunk.subarray(at, at + memory.partSize - this.#filled)
      this.#part.set(some, this.#filled)
      this.#filled += some.length
      at += some.length
    }
  }

  /** What has been filled goes up. */
  #send(): void {
    const part = this.#part
    if (part === undefined) return
    const task = this.#sendPart(part, this.#filled, ++this.#partNumber).finally(() =>
      this.#underWay.delete(task),
    )
    this.#underWay.add(task)
    this.#part = undefined
    this.#filled = 0
  }

  /** Never rejects: the failure is kept for the next write, or for finish. */
  async #sendPart(part: Buffer, length: number, number: number): Promise<void> {
    const { client, bucket, key, memory } = this.#options
    try {
      if (number > MOST_PARTS)
        throw new StrataError('STRATA_TOO_LARGE', `${key} needs more than ${MOST_PARTS} parts`)
      const UploadId = await this.#upload
      if (this.#failure !== undefined) return
      const { ETag } = await client.send(
        new UploadPartCommand({
          Bucket: bucket,
          Key: key,
          UploadId,
          PartNumber: number,
          Body: part.subarray(0, length),
        }),
      )
      // S3 has all of it; were an earlier attempt still to land, its ETag would be another, and the upload not be completed. Of a part that
      // failed something may still be on its way: that memory is left alone.
      memory.give(part)
      this.#parts.push({ PartNumber: number, ETag })
    } catch (error) {
      this.#failure ??= s3Error(error)
    }
  }

  async #begin(): Promise<string> {
    const { client, bucket, key, metadata: Metadata } = this.#options
    const begin = new CreateMultipartUploadCommand({ Bucket: bucket, Key: key, Metadata })
    const { UploadId } = await client.send(begin)
    if (UploadId === undefined)
      throw new StrataError('STRATA_STORE_UNAVAILABLE', 'S3 began an upload without an id')
    return UploadId
  }

  async #room(): Promise<void> {
    while (this.#underWay.size >= CONCURRENCY) await Promise.race(this.#underWay)
    if (this.#failure !== undefined) throw this.#failure
  }
}

import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import S3rver from 's3rver'

const PARTS = ['object.md5', 'metadata.json', 'object']

/**
 * s3rver on 127.0.0.1, to be `run`, with one bucket.
 * @param {{ directory: string, bucket: string, port?: number }} options port: 0, as it is unless told, for any that is free
 */
export function steadyS3rver({ directory, bucket, port = 0 }) {
  const configureBuckets = [{ name: bucket, configs: [] }]
  const s3 = new S3rver({ address: '127.0.0.1', port, directory, silent: true, configureBuckets })
  steady(s3)
  return s3
}

/**
 * Three things that S3 never does, taken out of s3rver. It answers a PUT before the file is written: whoever reads the object at once
 * gets a part of it. It writes over an object where it lies: whoever reads it meanwhile gets an error. And with the last object of a
 * folder it takes the folder away, also from under an object that is just being written there: that ends its process by an error that
 * nobody catches.
 * @param {any} s3 an S3rver
 */
function steady(s3) {
  const { store } = s3
  store.putObject = async object => {
    const { bucket, key, metadata } = object
    // Elsewhere first, then all at once to its place.
    const temporary = `.put-${randomUUID()}`
    const path = store.getResourcePath(bucket, temporary, 'object')
    const md5 = createHash('md5')
    let size = 0
    /** @param {AsyncIterable<Buffer>} chunks */
    const measured = async function* (chunks) {
      for await (const chunk of chunks) {
        md5.update(chunk)
        size += chunk.length
        yield chunk
      }
    }
    const content = Buffer.isBuffer(object.content) ? Readable.from([object.content]) : object.content
    await mkdir(dirname(path), { recursive: true })
    await pipeline(content, measured, createWriteStream(path))
    const digest = md5.digest('hex')
    await store.putMetadata(bucket, temporary, metadata, digest)
    await mkdir(dirname(store.getResourcePath(bucket, key, 'object')), { recursive: true })
    for (const part of PARTS)
      await rename(store.getResourcePath(bucket, temporary, part), store.getResourcePath(bucket, key, part))
    return { size, md5: digest }
  }
  store.deleteObject = async (bucket, key) => {
    await Promise.all(PARTS.map(part => rm(store.getResourcePath(bucket, key, part), { force: true })))
  }
}

import {
  DeleteObjectsCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import type { BodyNotes } from '../../engine/ports/index.js'
import { isBodyId } from '../local/body-id.js'
import { s3Error } from './errors.js'

export interface S3NotesOptions {
  readonly client: S3Client
  readonly bucket: string
  /** What all keys of the namespace begin with. */
  readonly root: string
  readonly keyOf: (id: string) => string
}

/** In the object's user metadata: `x-amz-meta-strata`. S3 allows for 2 KB. */
const NAME = 'strata'
const DIGITS = 15

export function noted(note: string | undefined): Record<string, string> | undefined {
  return note === undefined ? undefined : { [NAME]: note }
}

/**
 * Notes are user metadata of the bodies' objects. The horizon is the greatest name among empty objects `<root>_purged/<15 digits>`: so
 * nodes that raise it at once need not know of each other, and one that comes late lowers nothing. Each takes its last one away.
 */
export function s3BodyNotes({ client, bucket, root, keyOf }: S3NotesOptions): BodyNotes {
  const folder = `${root}_purged/`
  let last = 0
  return {
    async read(id) {
      if (!isBodyId(id)) return undefined
      try {
        const { Metadata } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: keyOf(id) }))
        return Metadata?.[NAME]
      } catch (error) {
        // A HEAD has no body to say which error it is.
        if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 404)
          return undefined
        throw s3Error(error, id)
      }
    },

    async horizon() {
      let latest = 0
      try {
        for (let after: string | undefined, more = true; more;) {
          const page = await client.send(
            new ListObjectsV2Command({ Bucket: bucket, Prefix: folder, StartAfter: after }),
          )
          for (const { Key = '' } of page.Contents ?? []) {
            after = Key
            const name = Key.slice(folder.length)
            if (/^\d{15}$/.test(name)) latest = Math.max(latest, Number(name))
          }
          more = page.IsTruncated === true && (page.Contents ?? []).length > 0
        }
      } catch (error) {
        throw s3Error(error)
      }
      return latest
    },

    async raiseHorizon(to) {
      const time = Math.ceil(to)
      if (time <= last) return
      try {
        await client.send(
          new PutObjectCommand({ Bucket: bucket, Key: keyOfTime(time), Body: new Uint8Array(0) }),
        )
        const before = last
        last = Math.max(last, time)
        if (before !== 0 && before < time) {
          const Objects = [{ Key: keyOfTime(before) }]
          // It is below the new one: left behind it says nothing.
          await client
            .send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }))
            .catch(() => undefined)
        }
      } catch (error) {
        throw s3Error(error)
      }
    },
  }

  function keyOfTime(time: number): string {
    return `${folder}${String(time).padStart(DIGITS, '0')}`
  }
}

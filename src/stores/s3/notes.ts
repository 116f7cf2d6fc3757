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
const NAME_OF_TIME = /^\d{15}$/
/** S3 takes so many keys in one DeleteObjects. */
const MOST_AT_ONCE = 1000

export function noted(note: string | undefined): Record<string, string> | undefined {
  return note === undefined ? undefined : { [NAME]: note }
}

/**
 * Notes are user metadata of the bodies' objects. The horizon is the greatest name among empty objects `<root>_purged/<15 digits>`: so
 * nodes that raise it at once need not know of each other, and one that comes late lowers nothing. Who raises it takes lower ones away: its
 * own last one, and at first all that nodes before it have left.
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
      try {
        return (await times()).reduce((latest, time) => Math.max(latest, time), 0)
      } catch (error) {
        throw s3Error(error)
      }
    },

    async raiseHorizon(to) {
      const time = Math.ceil(to)
      if (time <= last) return
      try {
        await client.send(
          new PutObjectCommand({ Bucket: bucket, Key: keyOfTime(time), Body: new Uint8Array(0) }),
        )
      } catch (error) {
        throw s3Error(error)
      }
      const lower = last === 0 ? times() : Promise.resolve([last])
      last = Math.max(last, time)
      // They say nothing any more: nobody waits for it, and what stays behind does no harm.
      void lower.then(found => takeAway(found.filter(one => one < time))).catch(() => undefined)
    },
  }

  async function times(): Promise<number[]> {
    const found: number[] = []
    for (let after: string | undefined, more = true; more;) {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket: bucket, Prefix: folder, StartAfter: after }),
      )
      const keys = (page.Contents ?? []).map(({ Key = '' }) => Key)
      const names = keys.map(key => key.slice(folder.length))
      found.push(...names.filter(name => NAME_OF_TIME.test(name)).map(Number))
      after = keys.at(-1)
      more = page.IsTruncated === true && after !== undefined
    }
    return found
  }

  async function takeAway(lower: readonly number[]): Promise<void> {
    const Objects = lower.slice(0, MOST_AT_ONCE).map(time => ({ Key: keyOfTime(time) }))
    if (Objects.length === 0) return
    await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }))
  }

  function keyOfTime(time: number): string {
    return `${folder}${String(time).padStart(DIGITS, '0')}`
  }
}

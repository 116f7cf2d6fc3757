import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { s3BodyStore } from '../../src/stores/s3/bodies.js'
import { connectS3 } from '../../src/stores/s3/client.js'
import { startS3, type S3Server } from '../support/s3-server.js'
import { bodyStoreSuite } from './body-store.suite.js'

let s3: S3Server
let namespaces = 0

beforeAll(async () => {
  s3 = await startS3()
})
afterAll(() => s3.stop())

function open(namespace: string, notes?: boolean) {
  const { endpoint, bucket, accessKey, secretKey, region, prefix } = s3
  const client = connectS3({ bucket, endpoint, region, accessKeyId: accessKey, secretAccessKey: secretKey })
  return s3BodyStore({ client, bucket, prefix, namespace, notes })
}

bodyStoreSuite('s3', async () => {
  const store = open(`ns-${++namespaces}`)
  return { store, cleanup: () => store.close() }
})

test('bodies about as long as parts, one after the other and at once, each as it came', async () => {
  const PART = 5 * 1_048_576
  const { bucket, prefix, endpoint, accessKey, secretKey, region } = s3
  const client = connectS3({ bucket, endpoint, region, accessKeyId: accessKey, secretAccessKey: secretKey })
  const store = s3BodyStore({ client, bucket, prefix, namespace: 'parts', partSize: PART })
  const bodies = [2 * PART + 7, PART, PART + 1, 2 * PART, 2 * PART - 1].map(size => randomBytes(size))
  const put = async (bytes: Buffer, id: string) => {
    const sink = store.sink(id)
    for (let at = 0; at < bytes.length; at += 700_001) await sink.write(bytes.subarray(at, at + 700_001))
    await sink.finish()
  }
  const get = async (id: string) => Buffer.concat(await (await store.read(id)).toArray())
  for (const [i, bytes] of bodies.entries()) await put(bytes, `after-${i}`)
  await Promise.all(bodies.map((bytes, i) => put(bytes, `beside-${i}`)))
  for (const [i, bytes] of bodies.entries())
    for (const when of ['after', 'beside']) expect((await get(`${when}-${i}`)).equals(bytes)).toBe(true)
  await store.close()
})

describe('what is kept beside the bodies', () => {
  const note = `1.${'k'.repeat(43)}..${'AZaz09-_'.repeat(200)}`

  test('a note with a small body, and with one that comes as a stream, in one piece or in parts', async () => {
    const store = open('notes')
    await store.put('small', Buffer.from('body'), note)
    expect(await store.notes!.read('small')).toBe(note)
    for (const size of [10, 9 * 1_048_576]) {
      const sink = store.sink(`large-${size}`, note)
      await sink.write(Buffer.alloc(size))
      await sink.finish()
      expect(await store.notes!.read(`large-${size}`)).toBe(note)
    }
    await store.put('small', Buffer.from('body'))
    expect(await store.notes!.read('small')).toBeUndefined()
    expect(await store.notes!.read('absent')).toBeUndefined()
    await store.close()
  })

  test('the horizon only goes forward, whoever raises it, and is no body', async () => {
    const [a, b] = [open('horizon'), open('horizon')]
    expect(await a.notes!.horizon()).toBe(0)
    await a.notes!.raiseHorizon(1_000)
    await b.notes!.raiseHorizon(3_000.5)
    await a.notes!.raiseHorizon(2_000)
    expect(await a.notes!.horizon()).toBe(3_001)
    expect(await b.notes!.horizon()).toBe(3_001)
    expect((await a.list(10)).bodies).toEqual([])
    expect(await open('horizon-other').notes!.horizon()).toBe(0)
  })

  test('what says less than a later one is taken away', async () => {
    const [a, b] = [open('tidy'), open('tidy')]
    const { bucket, prefix, endpoint, accessKey, secretKey, region } = s3
    const client = connectS3({ bucket, endpoint, region, accessKeyId: accessKey, secretAccessKey: secretKey })
    const left = async () => {
      const Prefix = `${prefix}tidy/_purged/`
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix }))
      return Contents.map(({ Key }) => Number(Key!.slice(Prefix.length)))
    }
    for (const to of [1000, 2000]) await a.notes!.raiseHorizon(to)
    await b.notes!.raiseHorizon(3000)
    // Nobody waits for it; the test's own time limit ends a wait in vain.
    while ((await left()).length > 1) await new Promise(resolve => setTimeout(resolve, 10))
    expect(await left()).toEqual([3000])
    client.destroy()
  })

  test('nothing, when that is switched off', async () => {
    expect(open('none', false).notes).toBeUndefined()
  })
})

import { expect, test } from '@jest/globals'
import { UploadPartCommand, type S3Client } from '@aws-sdk/client-s3'
import { s3BodySink } from '../../../../src/stores/s3/body-sink.js'
import { PartMemory } from '../../../../src/stores/s3/part-memory.js'

const PART = 1000

test('what has been given back is filled again; three at most are kept', () => {
  const memory = new PartMemory(PART)
  const parts = Array.from({ length: 5 }, () => memory.take())
  expect(new Set(parts.map(part => part.buffer)).size).toBe(5)
  expect(parts.every(part => part.length === PART)).toBe(true)
  for (const part of parts) memory.give(part)
  const again = Array.from({ length: 4 }, () => memory.take())
  expect(again.filter(part => parts.includes(part))).toHaveLength(3)
})

/** A client that keeps what came in parts, each answered by `answer`. */
function client(answer: (number: number) => Promise<void>) {
  const came: { number: number; text: string; memory: ArrayBufferLike }[] = []
  const send = async (command: { input: Record<string, unknown> }) => {
    if (!(command instanceof UploadPartCommand)) return { UploadId: 'upload' }
    const body = command.input.Body as Buffer
    const number = command.input.PartNumber!
    came.push({ number, text: body.toString('latin1'), memory: body.buffer })
    await answer(number)
    return { ETag: `"${number}"` }
  }
  return { came, client: { send } as unknown as S3Client }
}

function sink(s3: S3Client, memory: PartMemory) {
  return s3BodySink({ client: s3, bucket: 'bucket', key: 'key', memory, multipartThreshold: PART })
}

test('parts are of one size but the last, which holds nothing of what was in its memory before', async () => {
  const { client: s3, came } = client(async () => {})
  const memory = new PartMemory(PART)
  const first = sink(s3, memory)
  for (let i = 0; i < 35; i++) await first.write(Buffer.alloc(100, 'a'))
  await first.finish()
  expect(came.map(({ text }) => text.length)).toEqual([1000, 1000, 1000, 500])
  const second = sink(s3, memory)
  await second.write(Buffer.alloc(1001, 'b'))
  await second.finish()
  expect(came.slice(4).map(({ text }) => text)).toEqual(['b'.repeat(1000), 'b'])
  expect(came.slice(0, 4).map(({ memory }) => memory)).toContain(came[5]!.memory)
})

test('a part goes up once there is more than that: one that is just full is the last', async () => {
  const { client: s3, came } = client(async () => {})
  const body = sink(s3, new PartMemory(PART))
  await body.write(Buffer.alloc(1500))
  await body.write(Buffer.alloc(500))
  expect(came.map(({ text }) => text.length)).toEqual([1000])
  await body.finish()
  expect(came.map(({ text }) => text.length)).toEqual([1000, 1000])
})

test('memory of a part that failed is not filled again: some of it may still be on its way', async () => {
  const { client: s3, came } = client(async number => {
    if (number === 1) throw new Error('cut')
  })
  const memory = new PartMemory(PART)
  const body = sink(s3, memory)
  const written = async () => {
    await body.write(Buffer.alloc(2500))
    await body.finish()
  }
  await expect(written()).rejects.toMatchObject({ code: 'STRATA_STORE_UNAVAILABLE' })
  const failed = came.find(({ number }) => number === 1)!
  const taken = Array.from({ length: 4 }, () => memory.take().buffer)
  expect(taken).not.toContain(failed.memory)
})

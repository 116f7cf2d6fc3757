import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from '@jest/globals'
import type { StrataError } from '../../src/errors.js'
import type { BodyStore } from '../../src/engine/ports/index.js'
import { s3BodyStore } from '../../src/stores/s3/bodies.js'
import { connectS3 } from '../../src/stores/s3/client.js'

const IDLE = 100
/** Where nothing hangs: a busy machine may take its time. */
const PATIENT = { idleTimeoutMs: 10_000 }

let server: Server | undefined
let store: BodyStore | undefined

afterEach(async () => {
  await store?.close()
  server?.closeAllConnections()
  server?.close()
})

/** A store on an S3 that answers as told. */
async function against(
  listener: RequestListener,
  settings: { checksums?: 'when_supported'; idleTimeoutMs?: number } = {},
): Promise<BodyStore> {
  server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const client = connectS3({
    bucket: 'bodies',
    endpoint: `http://127.0.0.1:${port}`,
    accessKeyId: 'a',
    secretAccessKey: 'b',
    connectTimeoutMs: 500,
    idleTimeoutMs: IDLE,
    ...settings,
  })
  store = s3BodyStore({ client, bucket: 'bodies', namespace: 'n', idleTimeoutMs: IDLE })
  return store
}

async function failureOf(answer: Promise<unknown>): Promise<Pick<StrataError, 'code' | 'message'>> {
  try {
    await answer
  } catch (error) {
    return error as StrataError
  }
  throw new Error('it did not fail')
}

async function readAll(stream: Readable): Promise<number> {
  let size = 0
  for await (const chunk of stream) size += (chunk as Buffer).length
  return size
}

const error = (code: string) =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>as told</Message></Error>`

// First: the SDK warns once for each process, when its first client is made.
test('no warning of the SDK reaches the process', async () => {
  const { emitWarning } = process
  const warnings: string[] = []
  process.emitWarning = (warning: string | Error) => void warnings.push(String(warning))
  try {
    await against((_, res) => void res.end())
    expect(warnings).toEqual([])
  } finally {
    process.emitWarning = emitWarning
  }
})

describe('S3 fails within a body', () => {
  const cut: RequestListener = (_, res) => {
    res.writeHead(200, { 'Content-Length': 1_000 })
    res.write(Buffer.alloc(500), () => res.destroy())
  }
  const stall: RequestListener = (_, res) =>
    void res.writeHead(200, { 'Content-Length': 1_000 }).write(Buffer.alloc(500))

  test.each([{}, { checksums: 'when_supported' as const }])(
    'cut: the reader gets an error (%j)',
    async settings => {
      const s3 = await against(cut, settings)
      expect((await failureOf(s3.read('b').then(readAll))).code).toMatch(/^STRATA_/)
      expect((await failureOf(s3.get('b'))).code).toMatch(/^STRATA_/)
    },
  )

  test.each([{}, { checksums: 'when_supported' as const }])(
    'silence: the reader gets a timeout (%j)',
    async settings => {
      const s3 = await against(stall, settings)
      expect(await failureOf(s3.read('b').then(readAll))).toMatchObject({
        code: 'STRATA_STORE_TIMEOUT',
        message: expect.stringContaining('silent'),
      })
    },
  )

  test('a reader that takes longer than the limit is no silence', async () => {
    const s3 = await against(
      (_, res) => void res.writeHead(200, { 'Content-Length': 400_000 }).end(Buffer.alloc(400_000)),
    )
    let size = 0
    for await (const chunk of await s3.read('b')) {
      if (size === 0) await new Promise(resolve => setTimeout(resolve, 3 * IDLE))
      size += (chunk as Buffer).length
    }
    expect(size).toBe(400_000)
  })

  test('a server that ignores Range, and one that cuts it short', async () => {
    const whole = Buffer.from('0123456789')
    let s3 = await against((_, res) => void res.writeHead(200, { 'Content-Length': 10 }).end(whole))
    const chunks: Buffer[] = []
    for await (const chunk of await s3.read('b', { first: 3, last: 6 })) chunks.push(chunk as Buffer)
    expect(Buffer.concat(chunks).toString()).toBe('3456')
    await s3.close()
    server!.close()
    s3 = await against((_, res) => {
      res.writeHead(206, { 'Content-Length': 2, 'Content-Range': 'bytes 3-4/5' }).end('34')
    })
    expect((await failureOf(s3.read('b', { first: 3, last: 6 }))).code).toBe('STRATA_BODY_DAMAGED')
  })
})

describe('S3 refuses', () => {
  test('no answer at all: a timeout for each call', async () => {
    const s3 = await against(() => undefined)
    const calls = [
      s3.get('b'),
      s3.read('b'),
      s3.put('b', Buffer.from('x')),
      s3.remove(['b']),
      s3.ping(),
      s3.list(1),
    ]
    for (const call of await Promise.all(calls.map(failureOf))) expect(call.code).toBe('STRATA_STORE_TIMEOUT')
  })

  test.each([
    [503, 'SlowDown', 'STRATA_STORE_UNAVAILABLE'],
    [500, 'InternalError', 'STRATA_STORE_UNAVAILABLE'],
    [403, 'AccessDenied', 'STRATA_STORE_UNAVAILABLE'],
    [404, 'NoSuchBucket', 'STRATA_STORE_UNAVAILABLE'],
    [404, 'NoSuchKey', 'STRATA_BODY_MISSING'],
  ])('%d %s is %s', async (status, code, expected) => {
    const s3 = await against(
      (_, res) => void res.writeHead(status, { 'Content-Type': 'application/xml' }).end(error(code)),
    )
    expect((await failureOf(s3.get('b'))).code).toBe(expected)
    expect((await failureOf(s3.put('b', Buffer.from('x')))).code).toBe('STRATA_STORE_UNAVAILABLE')
  })

  test('a deletion that fails for one key of a 200 is an error', async () => {
    const result =
      '<?xml version="1.0"?><DeleteResult><Error><Key>n/00/b</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>'
    const s3 = await against(
      (_, res) => void res.writeHead(200, { 'Content-Type': 'application/xml' }).end(result),
    )
    expect(await failureOf(s3.remove(['a', 'b']))).toMatchObject({
      code: 'STRATA_STORE_UNAVAILABLE',
      message: expect.stringContaining('1 of 2'),
    })
  })

  test('an upload whose parts fail: finish rejects, and the upload is aborted', async () => {
    const seen: string[] = []
    const s3 = await against((req, res) => {
      req.resume().on('end', () => {
        seen.push(`${req.method} ${new URL(req.url!, 'http://x').searchParams.has('uploadId')}`)
        if (req.method === 'POST') {
          const id =
            '<?xml version="1.0"?><InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>'
          res.writeHead(200, { 'Content-Type': 'application/xml' }).end(id)
        } else if (req.method === 'DELETE') res.writeHead(204).end()
        else res.writeHead(403, { 'Content-Type': 'application/xml' }).end(error('AccessDenied'))
      })
    }, PATIENT)
    const sink = s3.sink('b')
    const write = async () => {
      for (let i = 0; i < 20; i++) await sink.write(Buffer.alloc(1_048_576))
      await sink.finish()
    }
    expect((await failureOf(write())).code).toBe('STRATA_STORE_UNAVAILABLE')
    await sink.abort()
    expect(seen.at(-1)).toBe('DELETE true')
  })
})

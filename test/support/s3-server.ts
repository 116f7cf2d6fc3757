import { spawn } from 'node:child_process'
import crypto, { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { steadyS3rver } from './steady-s3rver.mjs'

const BUCKET = 'strata-test'

export interface S3Server {
  readonly endpoint: string
  readonly bucket: string
  readonly accessKey: string
  readonly secretKey: string
  readonly region: string
  /** Fresh for each start: keys of other runs in the same bucket are not seen. */
  readonly prefix: string
  stop(): Promise<void>
}

/** The S3 endpoint that the environment names (STRATA_TEST_S3_ENDPOINT, _ACCESS_KEY, _SECRET_KEY, _BUCKET), or s3rver in this process, on this port. */
export async function startS3(ownPort = 0): Promise<S3Server> {
  const prefix = `test-${randomUUID()}/`
  const { STRATA_TEST_S3_ENDPOINT: endpoint, STRATA_TEST_S3_BUCKET: bucket } = process.env
  if (endpoint) {
    const { STRATA_TEST_S3_ACCESS_KEY: accessKey, STRATA_TEST_S3_SECRET_KEY: secretKey } = process.env
    if (!bucket || !accessKey || !secretKey) {
      throw new Error('STRATA_TEST_S3_ENDPOINT needs STRATA_TEST_S3_ACCESS_KEY, _SECRET_KEY and _BUCKET too')
    }
    const region = process.env.STRATA_TEST_S3_REGION ?? 'us-east-1'
    return { endpoint, bucket, accessKey, secretKey, region, prefix, stop: async () => undefined }
  }
  useCipherOfToday()
  const directory = await mkdtemp(join(tmpdir(), 'strata-s3-'))
  const s3 = steadyS3rver({ directory, bucket: BUCKET, port: ownPort })
  const { port } = await s3.run()
  return {
    ...ownS3(port, prefix),
    async stop() {
      s3.httpServer.closeAllConnections()
      await s3.close()
      // What was being put when the connections went is still written: a folder may come to be while it is removed.
      await rm(directory, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

/**
 * The same, but s3rver in a process of its own: for long bodies, each piece of which would have V8 collect all that Jest has loaded by then
 * (1.7 GB at the end of a run: minutes for a body of 1 GiB). It lists no more than a page.
 */
export async function startS3Apart(): Promise<S3Server> {
  if (process.env.STRATA_TEST_S3_ENDPOINT) return startS3()
  const directory = await mkdtemp(join(tmpdir(), 'strata-s3-'))
  const script = fileURLToPath(new URL('s3-process.mjs', import.meta.url))
  const child = spawn(process.execPath, [script, directory, BUCKET], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const failed = ended.then(([code]) => {
    throw new Error(`the S3 endpoint of the tests ended with ${code} at its start`)
  })
  const [port] = (await Promise.race([once(child.stdout, 'data'), failed])) as [Buffer]
  failed.catch(() => undefined) // from here on its end is `stop`'s
  return {
    ...ownS3(Number(port), `test-${randomUUID()}/`),
    async stop() {
      child.kill()
      await ended
      await rm(directory, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

function ownS3(port: number, prefix: string) {
  const credentials = { accessKey: 'S3RVER', secretKey: 'S3RVER', region: 'us-east-1' }
  return { endpoint: `http://127.0.0.1:${port}`, bucket: BUCKET, prefix, ...credentials }
}

/** s3rver ciphers its continuation tokens with DES, which OpenSSL 3 has not: any list of two pages fails. Triple DES is there. */
let patched = false

function useCipherOfToday(): void {
  if (patched) return
  patched = true
  for (const name of ['createCipheriv', 'createDecipheriv'] as const) {
    const original = crypto[name] as (algorithm: string, key: Buffer, iv: Buffer) => unknown
    const today = (algorithm: string, key: Buffer, iv: Buffer) =>
      algorithm === 'des'
        ? original('des-ede3-cbc', Buffer.concat([key, key, key]), iv)
        : original(algorithm, key, iv)
    Object.assign(crypto, { [name]: today })
  }
}

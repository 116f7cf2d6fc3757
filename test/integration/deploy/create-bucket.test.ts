import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import S3rver from 's3rver'

const script = fileURLToPath(new URL('../../../deploy/create-bucket.mjs', import.meta.url))
let directory: string
let server: S3rver
let endpoint: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'strata-bucket-'))
  server = new S3rver({ address: '127.0.0.1', port: 0, directory, silent: true, configureBuckets: [] })
  endpoint = `http://127.0.0.1:${(await server.run()).port}`
})
afterAll(async () => {
  server.httpServer.closeAllConnections()
  await server.close()
  await rm(directory, { recursive: true, force: true })
})

/** Runs the script with these variables. */
function createBucket(env: Record<string, string>): Promise<{ code: number; out: string; err: string }> {
  return new Promise(resolve => {
    execFile(process.execPath, [script], { env: { PATH: process.env.PATH, ...env } }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err })
    })
  })
}

test('makes the bucket, and leaves one that is there', async () => {
  const env = {
    STRATA_S3_BUCKET: 'strata-cache',
    STRATA_S3_ENDPOINT: endpoint,
    STRATA_S3_ACCESS_KEY_ID: 'S3RVER',
    STRATA_S3_SECRET_ACCESS_KEY: 'S3RVER',
  }
  expect(await createBucket(env)).toMatchObject({ code: 0, out: 'bucket strata-cache is made\n' })
  expect(await createBucket(env)).toMatchObject({ code: 0, out: 'bucket strata-cache is there\n' })
})

test('says what is missing, and what went wrong', async () => {
  expect(await createBucket({})).toMatchObject({ code: 2, err: 'create-bucket: set STRATA_S3_BUCKET\n' })
  const refused = await createBucket({
    STRATA_S3_BUCKET: 'strata-cache',
    STRATA_S3_ENDPOINT: endpoint,
    STRATA_S3_ACCESS_KEY_ID: 'wrong',
    STRATA_S3_SECRET_ACCESS_KEY: 'wrong',
  })
  expect(refused.code).toBe(1)
  expect(refused.err).toMatch(/create-bucket: \S+/)
})

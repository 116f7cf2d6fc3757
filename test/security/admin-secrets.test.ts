import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startRedis, type RedisServer } from '../support/redis-server.js'
import { serveStrata, runStrata, type ServingStrata } from '../support/strata-cli.js'

/** Secrets that are nowhere else: wherever one turns up, it has leaked. */
const CANARY = {
  token: 'CANARY1adminToken7f3a',
  redis: 'CANARY2redisPassword91bc',
  s3Key: 'CANARY3AKIA55d0',
  s3Secret: 'CANARY4s3Secret0be2',
  s3Session: 'CANARY5session6c1d',
}
const canaries = Object.values(CANARY)

let folder: string
let redis: RedisServer
let s3: Server
let strata: ServingStrata
let env: Record<string, string>
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strata-secrets-'))
  redis = await startRedis()
  // A bucket that refuses everything, as with wrong keys.
  s3 = createServer((req, res) => {
    req.resume()
    res.writeHead(403, { 'Content-Type': 'application/xml' })
    res.end('<Error><Code>InvalidAccessKeyId</Code><Message>not known</Message></Error>')
  })
  await new Promise<void>(resolve => s3.listen(0, '127.0.0.1', resolve))
  const secretFile = join(folder, 's3-secret')
  await writeFile(secretFile, `${CANARY.s3Secret}\n`)
  const port = new URL(redis.url).port
  env = {
    STRATA_ORIGIN: `http://127.0.0.1:${(s3.address() as AddressInfo).port}`,
    // The test's server knows no passwords: it refuses, which is an error that has to be told, too.
    STRATA_REDIS_URL: `redis://somebody:${CANARY.redis}@127.0.0.1:${port}/0`,
    STRATA_S3_BUCKET: 'bucket',
    STRATA_S3_ENDPOINT: `http://127.0.0.1:${(s3.address() as AddressInfo).port}`,
    STRATA_S3_ACCESS_KEY_ID: CANARY.s3Key,
    STRATA_S3_SECRET_ACCESS_KEY_FILE: secretFile,
    STRATA_S3_SESSION_TOKEN: CANARY.s3Session,
    STRATA_ADMIN_TOKEN: CANARY.token,
    STRATA_ADMIN_METHODS_PURGE: 'true',
    STRATA_ADMIN_LOCKOUT_ATTEMPTS: '1000',
    STRATA_LOG_LEVEL: 'trace',
    STRATA_DATA_DIR: folder,
    STRATA_SERVER_DRAIN_TIMEOUT_MS: '100',
  }
  strata = await serveStrata([], env)
})
afterAll(async () => {
  strata?.child.kill('SIGKILL')
  await strata?.ended
  s3?.close()
  await redis?.stop()
  await rm(folder, { recursive: true, force: true })
})

function clean(what: string, text: string): void {
  for (const canary of canaries)
    if (text.includes(canary)) throw new Error(`${what} holds ${canary}: ${text}`)
}

test('no secret in answers, headers, log, audit log, ps, or what commands print', async () => {
  const authorization = `Bearer ${CANARY.token}`
  const ask = async (method: string, path: string, headers: Record<string, string>, body?: string) => {
    const init: RequestInit = { method, headers, ...(body !== undefined && { body }) }
    const response = await fetch(`${strata.base}${path}`, init)
    const text = `${JSON.stringify([...response.headers])} ${await response.text()}`
    clean(`${method} ${path}`, text)
    return response.status
  }
  const paths = [
    ...['/status', '/stats', '/keys', '/jobs', '/audit', '/api-keys', '/health', '/ready', '/none'],
    `/keys?token=${CANARY.token}`,
  ].map(path => `/admin/cache${path}`)
  for (const path of [...paths, '/health', '/ready', '/page'])
    for (const headers of [{ authorization }, {}, { authorization: `Bearer ${CANARY.redis}` }])
      await ask('GET', path, headers as Record<string, string>)
  const post = (path: string, body: object, headers = { authorization }) =>
    ask('POST', `/admin/cache${path}`, headers, JSON.stringify(body))
  await post('/invalidate', { tags: [`Bearer ${CANARY.token}`], urls: [`http://u:${CANARY.redis}@h/x`] })
  await post('/invalidate', { all: true, confirm: true })
  await post('/sweep', {})
  await post('/api-keys', { name: 'x', scopes: ['read'] })
  expect(await ask('PURGE', '/page', { authorization })).toBeGreaterThanOrEqual(200)
  expect(await ask('GET', '/admin/cache/status', { authorization })).toBe(200)

  const log = strata.lines.join('\n') + strata.stderr()
  expect(log).toContain('"listening"')
  clean('the log', log)
  const audit = await readFile(join(folder, 'default', 'audit.jsonl'), 'utf8')
  expect(audit.trim().split('\n').length).toBeGreaterThan(3)
  clean('the audit log', audit)
  if (process.platform === 'linux') clean('ps', readFileSync(`/proc/${strata.child.pid!}/cmdline`, 'latin1'))

  for (const args of [['config', 'print'], ['config', 'check'], ['settings'], ['keys', 'list']]) {
    const command = runStrata(args, env)
    await command.ended
    clean(`strata ${args.join(' ')}`, command.lines.join('\n') + command.stderr())
  }
})

test('a password is not taken as a flag, where ps would show it, and the refusal does not repeat it', async () => {
  const command = runStrata(['serve', '--redis-url', `redis://:${CANARY.redis}@127.0.0.1:1`], {
    STRATA_ORIGIN: 'http://127.0.0.1:1',
  })
  expect(await command.ended).toBe(2)
  expect(command.stderr()).toContain('STRATA_REDIS_URL')
  clean('the refusal', command.stderr() + command.lines.join('\n'))
})

test('an admin port that is taken is named as such', async () => {
  const { port } = s3.address() as AddressInfo
  const command = runStrata(['serve', '--port', '0', '--admin-port', String(port)], {
    STRATA_ORIGIN: 'http://127.0.0.1:1',
    STRATA_BACKEND: 'memory',
  })
  expect(await command.ended).toBe(1)
  expect(command.stderr()).toContain(`127.0.0.1, port ${port}, is in use: choose another with --admin-port`)
})

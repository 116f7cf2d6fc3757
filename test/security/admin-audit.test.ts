import { appendFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import express from 'express'
import fc from 'fast-check'
import request from 'supertest'
import { StrataError } from '../../src/errors.js'
import { Access } from '../../src/server/access/access.js'
import { adminRouter, auditRoutes } from '../../src/server/admin/index.js'
import { AuditFile } from '../../src/server/audit/audit-file.js'
import { readAuditPage } from '../../src/server/audit/audit-page.js'
import type { AuditSink } from '../../src/server/audit/audit.js'
import { redactText, redactValue } from '../../src/server/audit/redact.js'
import { memoryAudit, type AuditedEvent } from '../support/audited.js'
import { sampleKey } from '../support/entries.js'
import { operatedCache } from '../support/operated-cache.js'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strata-audit-'))
  path = join(folder, 'audit.jsonl')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const TOKEN = 'the-token-of-the-settings'
const health = { live: () => ({ ok: true, checks: {} }), ready: () => ({ ok: true, checks: {} }) }

async function admin(sink?: AuditSink) {
  const cache = await operatedCache()
  const written = memoryAudit(sink)
  const access = new Access({ token: TOKEN, trustLoopback: true })
  const { audit } = written
  const routes = auditRoutes(path)
  const router = adminRouter({ operator: cache.operator, health, access, audit, routes })
  const app = express().use('/admin/cache', router)
  const api = (method: 'get' | 'post' | 'delete', url: string) =>
    request(app)[method](`/admin/cache${url}`).set('authorization', `Bearer ${TOKEN}`)
  return { ...cache, ...written, api }
}

const linesOf = async (file = path) => (await readFile(file, 'utf8')).split('\n').slice(0, -1)
const eventsOf = async (file = path) => (await linesOf(file)).map(line => JSON.parse(line) as AuditedEvent)

describe('what is written', () => {
  test('who, from where, what, about what, how many, and what came of it', async () => {
    const { api, fill, events } = await admin()
    await fill('a', { tags: ['t'] })
    await api('post', '/invalidate')
      .set('x-request-id', 'req-1')
      .send({ tags: ['t'] })
      .expect(200)
    const about = {
      request: 'req-1',
      who: 'token',
      kind: 'token',
      from: expect.stringMatching(/127\.0\.0\.1$/),
      action: 'invalidate',
      namespace: 'test',
      node: 'node-1',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      id: expect.any(String),
    }
    const [intent, result] = events()
    expect(intent).toEqual({
      ...about,
      phase: 'intent',
      target: { route: 'POST /invalidate', body: { tags: ['t'] } },
    })
    expect(result).toMatchObject({
      ...about,
      phase: 'result',
      status: 200,
      outcome: { matched: 1, seq: 1, effective: true },
    })
    expect(result!.id).toBe(intent!.id)
  })

  test('what failed, too, and why', async () => {
    const { api, events } = await admin()
    await api('delete', `/keys/${sampleKey('none')}`).expect(404)
    await api('post', '/invalidate').send('no json').expect(400)
    await api('post', '/invalidate').send({ all: true }).expect(400)
    expect(events().map(({ phase, status, code }) => [phase, status, code])).toEqual([
      ['intent', undefined, undefined],
      ['result', 404, 'STRATA_NOT_FOUND'],
      ['intent', undefined, undefined],
      ['result', 400, 'STRATA_BAD_REQUEST'],
      ['intent', undefined, undefined],
      ['result', 400, 'STRATA_BAD_REQUEST'],
    ])
  })

  test('before it is done, and before it is acknowledged', async () => {
    const order: string[] = []
    const { api, fence } = await admin({
      append: async line => {
        const { phase } = JSON.parse(line) as AuditedEvent
        await new Promise(resolve => setImmediate(resolve))
        order.push(`${phase} at ${fence.state().seq}`)
      },
    })
    await api('post', '/invalidate')
      .send({ tags: ['t'] })
      .expect(200)
    order.push('answered')
    expect(order).toEqual(['intent at 0', 'result at 1', 'answered'])
  })

  test('or nothing is done: 503', async () => {
    const full = new StrataError('STRATA_AUDIT', "the audit log can't be written (ENOSPC)")
    const { api, fence, errors } = await admin({ append: () => Promise.reject(full) })
    const { body } = await api('post', '/invalidate')
      .send({ tags: ['t'] })
      .expect(503)
    expect(body).toMatchObject({
      code: 'STRATA_AUDIT',
      detail: expect.stringContaining('nothing was done'),
    })
    expect(fence.state().seq).toBe(0)
    expect(errors).toEqual([full])
    await api('get', '/status').expect(200)
  })

  test('or it is not acknowledged: 503 that says so', async () => {
    let lines = 0
    const { api, fence } = await admin({
      append: async () => {
        if (++lines > 1) throw new StrataError('STRATA_AUDIT', "the audit log can't be written (EIO)")
      },
    })
    const { body } = await api('post', '/invalidate')
      .send({ tags: ['t'] })
      .expect(503)
    expect(body.detail).toContain('it was done all the same')
    expect(fence.state().seq).toBe(1)
  })
})

test('of refusals ten in a second are written, and then how many were not', async () => {
  let now = 1000
  const { audit, events } = memoryAudit(undefined, () => now)
  const error = new StrataError('STRATA_UNAUTHORIZED', 'wrong')
  const refuse = () =>
    audit.refused({ from: '192.0.2.1', requestId: 'r', method: 'GET', url: '/x?token=secret', error })
  for (let i = 0; i < 25; i++) await refuse()
  expect(events()).toHaveLength(10)
  now += 1000
  await refuse()
  expect(events()[10]).toMatchObject({ phase: 'refused', unwritten: 15, target: 'GET /x?token=[redacted]' })
  await refuse()
  expect(events()[11]).not.toHaveProperty('unwritten')
})

describe('nothing gets into a line that is not a piece of a text in it', () => {
  const forged = '{"phase":"result","who":"admin","action":"forged"}'

  test.each([
    ['a line end', `/x\n${forged}\n`],
    ['another line end', `/x\r\n${forged}`],
    ['a Unicode line end', `/x\u2028${forged}\u2029`],
    ['the end of a text', `/x","who":"somebody else","y":"`],
    ['a terminal escape', '/x\u001b[2J\u001b]0;title\u0007'],
    ['C1 controls', '/x\u0085\u009b2J'],
    ['marks that turn text around', '/x\u202egnp.live\u2066'],
    ['no characters at all', '/x\u200b\ufeff\u0000'],
    ['half a pair', '/x\ud800'],
  ])('%s', async (_, text) => {
    const { api, lines } = await admin()
    await api('post', '/invalidate').send({ prefix: text, host: text })
    await api('post', `/invalidate/pattern/${encodeURIComponent(text.replace('\ud800', ''))}`)
    expect(lines.length).toBeGreaterThanOrEqual(4)
    for (const line of lines) {
      // eslint-disable-next-line no-control-regex -- these are what is looked for
      expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2060-\u2069\u200b-\u200f\ufeff]/)
      expect(JSON.parse(line)).toMatchObject({ who: 'token' })
      expect(Buffer.from(line).toString()).toBe(line)
    }
  })

  test('any text at all (200 runs)', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), text => {
        const line = JSON.stringify({ target: redactValue({ [text]: [text] }) })
        // eslint-disable-next-line no-control-regex -- these are what is looked for
        expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028-\u202e]/)
        expect(line.length).toBeLessThan(16_384)
        JSON.parse(line)
      }),
      { numRuns: 200 },
    )
  })

  test('header fields: an X-Request-Id is taken only when it is one', async () => {
    const { api, events } = await admin()
    for (const id of ['x'.repeat(200), 'a b', '{"a":1}', 'a\u00e9'])
      await api('post', '/invalidate')
        .set('x-request-id', id)
        .send({ tags: ['t'] })
    for (const { request: id } of events()) expect(id).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('a hundred thousand tags are a bounded line', async () => {
    const { api, lines } = await admin()
    const tags = Array.from({ length: 9000 }, (_, i) => `t${i}`)
    await api('post', '/invalidate').send({ tags: tags.slice(0, 400) })
    await api('post', '/invalidate').send({ tags: ['x'.repeat(60_000)] })
    for (const line of lines) expect(line.length).toBeLessThan(10_000)
    expect(lines[0]).toContain('… 380 more')
  })
})

describe('secrets', () => {
  test.each([
    ['https://user:hunter2@host/x', 'https://[redacted]@host/x'],
    ['/x?access_token=hunter2&y=1', '/x?access_token=[redacted]&y=1'],
    ['/x?X-Amz-Signature=hunter2', '/x?X-Amz-Signature=[redacted]'],
    ['/x?%74oken=hunter2', '/x?%74oken=[redacted]'],
    ['Bearer hunter2', 'Bearer [redacted]'],
    [`strata_0123456789abcdef_${'hunter2'.repeat(6)}x`, '[redacted]'],
    [`eyJhbGciOiJub25lIn0.eyJodW50ZXIyIjoxfQ.hunter2`, '[redacted]'],
    ['/plain?page=2', '/plain?page=2'],
  ])('%s', (text, shown) => expect(redactText(text)).toBe(shown))

  test('by the names of fields', () => {
    expect(redactValue({ token: 'a', nested: { apiKey: 'b', password: 1 }, name: 'c' })).toEqual({
      token: '[redacted]',
      nested: { apiKey: '[redacted]', password: '[redacted]' },
      name: 'c',
    })
  })

  test('none in a request gets into a line', async () => {
    const { api, lines } = await admin()
    const canary = 'CANARY-5e1f'
    await api('post', '/invalidate').send({ urls: [`https://u:${canary}@host/x?token=${canary}`] })
    await api('post', `/invalidate?access_token=${canary}`).send({ tags: ['t'], password: canary })
    await api('delete', `/keys/none?api_key=${canary}`)
    expect(lines.length).toBeGreaterThan(3)
    expect(lines.join('\n')).not.toContain(canary)
    expect(lines.join('\n')).not.toContain(TOKEN)
  })
})

describe('the file', () => {
  test('has a line for each of many at once, whole', async () => {
    const files = [new AuditFile({ path, sync: false }), new AuditFile({ path, sync: false })]
    await Promise.all(
      Array.from({ length: 500 }, (_, i) =>
        files[i % 2]!.append(JSON.stringify({ i, filler: 'x'.repeat(i) })),
      ),
    )
    for (const file of files) await file.close()
    const events = await eventsOf()
    expect(new Set(events.map(({ i }) => i)).size).toBe(500)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  test('is made anew when it was renamed or removed, without a signal', async () => {
    const file = new AuditFile({ path, sync: true })
    await file.append('{"n":1}')
    await rename(path, `${path}.1`)
    await file.append('{"n":2}')
    await rm(path)
    await file.append('{"n":3}')
    await file.close()
    expect(await linesOf(`${path}.1`)).toEqual(['{"n":1}'])
    expect(await linesOf()).toEqual(['{"n":3}'])
  })

  test('goes on after what a crash left behind', async () => {
    await writeFile(path, '{"n":1}\n{"n":2,"cut')
    const file = new AuditFile({ path, sync: true })
    await file.append('{"n":3}')
    await file.close()
    expect(await linesOf()).toEqual(['{"n":1}', '{"n":2,"cut', '{"n":3}'])
    expect(await readAuditPage(path, {})).toEqual({
      events: [{ n: 3 }, { n: 1 }],
      cursor: null,
      unreadable: 1,
    })
  })

  test('that can not be written is said to be so, and written again once it can', async () => {
    await mkdir(path)
    const file = new AuditFile({ path, sync: true })
    await expect(file.append('{"n":1}')).rejects.toMatchObject({ code: 'STRATA_AUDIT', status: 503 })
    await rm(path, { recursive: true })
    await file.append('{"n":2}')
    await file.close()
    expect(await linesOf()).toEqual(['{"n":2}'])
    await expect(file.append('{"n":3}')).rejects.toMatchObject({ code: 'STRATA_AUDIT' })
  })
})

describe('GET /audit', () => {
  test('gives pages from the newest on, without holes or repeats, while lines are added', async () => {
    const { api } = await admin()
    expect((await api('get', '/audit').expect(200)).body).toEqual({ events: [], cursor: null, unreadable: 0 })
    const lines = Array.from({ length: 100 }, (_, n) => JSON.stringify({ n, filler: 'é'.repeat(n * 40) }))
    await writeFile(path, `${lines.join('\n')}\n`)
    const seen: number[] = []
    let cursor: string | null = null
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`
      const { body }: request.Response = await api('get', `/audit?limit=7${query}`).expect(200)
      expect(body.events.length).toBeLessThanOrEqual(7)
      seen.push(...body.events.map(({ n }: { n: number }) => n))
      cursor = body.cursor
      await appendFile(path, '{"n":1000}\n')
    } while (cursor !== null)
    expect(seen).toEqual(lines.map((_, i) => 99 - i))
  })

  test('any file, any size of pages: all lines, once (200 runs)', async () => {
    const line = fc.oneof(
      fc.record({ n: fc.integer() }).map(value => JSON.stringify(value)),
      fc.constant(''),
      fc.string({ maxLength: 20 }).map(text => text.replace(/\n/g, '')),
      fc.nat(200_000).map(length => JSON.stringify({ filler: 'x'.repeat(length) })),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        async (all, limit) => {
          await writeFile(path, all.map(text => `${text}\n`).join(''))
          const events: unknown[] = []
          let cursor: string | null = null
          let pages = 0
          do {
            const page = await readAuditPage(path, {
              limit: String(limit),
              ...(cursor !== null && { cursor }),
            })
            events.push(...page.events)
            cursor = page.cursor
            expect(++pages).toBeLessThan(50)
          } while (cursor !== null)
          const whole = all.flatMap(text => {
            try {
              const value: unknown = JSON.parse(text)
              return typeof value === 'object' && value !== null ? [value] : []
            } catch {
              return []
            }
          })
          expect(events).toEqual(whole.reverse())
        },
      ),
      { numRuns: 200 },
    )
  })

  test('reads no more than a megabyte for a page, whatever stands in the file', async () => {
    await writeFile(path, `{"n":1}\n${'x'.repeat(3_000_000)}\n{"n":2}\n`)
    const first = await readAuditPage(path, {})
    expect(first.events).toEqual([{ n: 2 }])
    let cursor = first.cursor
    const events: unknown[] = []
    while (cursor !== null) {
      const page = await readAuditPage(path, { cursor })
      events.push(...page.events)
      cursor = page.cursor
    }
    expect(events).toEqual([{ n: 1 }])
  })

  test.each([
    '/audit?limit=0',
    '/audit?limit=201',
    '/audit?limit=x',
    '/audit?cursor=../../etc/passwd',
    '/audit?cursor=0.1',
    '/audit?file=/etc/passwd',
  ])('%s: 400', async url => {
    const { api } = await admin()
    await writeFile(path, '{"n":1}\n')
    await api('get', url).expect(400)
  })

  test('a cursor of a file that was rotated: 400 that says so', async () => {
    const { api } = await admin()
    await writeFile(path, '{"n":1}\n{"n":2}\n')
    const { cursor } = (await api('get', '/audit?limit=1').expect(200)).body
    await rename(path, `${path}.1`)
    await writeFile(path, '{"n":3}\n{"n":4}\n')
    const { body } = await api('get', `/audit?cursor=${cursor}`).expect(400)
    expect(body.detail).toContain('rotated')
  })
})

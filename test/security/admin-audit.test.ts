import { describe, expect, test } from '@jest/globals'
import { StrataError } from '../../src/errors.js'
import { memoryAudit, type AuditedEvent } from '../support/audited.js'
import { sampleKey } from '../support/entries.js'
import { admin } from './rig/audited-admin.js'

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

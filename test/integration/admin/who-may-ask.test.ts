import { describe, expect, jest, test } from '@jest/globals'
import express from 'express'
import type { adminRouter } from '../../../src/server/admin/index.js'
import { admin, TOKEN, type Handler } from '../../support/mounted-admin.js'

describe('who may ask', () => {
  const purge = (api: Awaited<ReturnType<typeof admin>>['api']) =>
    api('post', '/invalidate').send({ all: true, confirm: true })

  test('with a token: nothing without it', async () => {
    const { api, fill, fence, metadata } = await admin({ token: TOKEN })
    await fill('a')
    for (const authorization of [
      undefined,
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(0, -1)}`,
      TOKEN,
      `Basic ${TOKEN}`,
      'Bearer ',
    ]) {
      const asked = purge(api)
      if (authorization !== undefined) asked.set('authorization', authorization)
      const { body, headers } = await asked.expect(401)
      expect(headers['www-authenticate']).toMatch(/^Bearer realm="strata"/)
      expect(body).toMatchObject({ code: 'STRATA_UNAUTHORIZED' })
      expect(JSON.stringify(body)).not.toContain(TOKEN)
    }
    for (const path of ['/status', '/keys', '/stats', '/health', '/ready', '/nope'])
      await api('get', path).expect(401)
    expect(fence.state().seq).toBe(0)
    expect((await metadata.usage()).entries).toBe(1)
    expect((await purge(api).set('authorization', `bearer ${TOKEN}`).expect(200)).body).toMatchObject({
      matched: 1,
    })
  })

  test.each<[string, Record<string, string>]>([
    ['through a proxy (X-Forwarded-For)', { 'x-forwarded-for': '127.0.0.1' }],
    ['through a proxy (Forwarded)', { forwarded: 'for=127.0.0.1' }],
    ['through a proxy (Via)', { via: '1.1 proxy' }],
    ['by another name that leads here', { host: 'evil.example' }],
    ['from a page of another site', { origin: 'https://evil.example' }],
    ['from a page of another site, without Origin', { 'sec-fetch-site': 'cross-site' }],
  ])('without a token, not %s', async (_, headers) => {
    const { api, fence } = await admin()
    const { body } = await purge(api).set(headers).expect(403)
    expect(body).toMatchObject({
      code: 'STRATA_FORBIDDEN',
      detail: expect.stringContaining('STRATA_ADMIN_TOKEN'),
    })
    expect(fence.state().seq).toBe(0)
  })

  test.each([
    ['10.0.0.1', 403],
    ['::ffff:10.0.0.1', 403],
    ['fe80::1', 403],
    [undefined, 403],
    ['127.0.0.1', 200],
    ['127.8.9.10', 200],
    ['::1', 200],
    ['::ffff:127.0.0.1', 200],
  ])('without a token, from the address %s: %i', async (remoteAddress, status) => {
    const mount = (router: ReturnType<typeof adminRouter>): Handler => {
      const app = express().use('/admin/cache', router)
      return (req, res) => {
        Object.defineProperty(req.socket, 'remoteAddress', { value: remoteAddress })
        app(req, res)
      }
    }
    const { api } = await admin({}, mount)
    await api('get', '/status').expect(status)
  })

  test('without a token and without trust in this machine: nobody', async () => {
    const { api } = await admin({ trustLoopback: false })
    await api('get', '/status').expect(401)
  })

  test('each request is told, with what went wrong inside', async () => {
    const { api, onRequest, metadata } = await admin({ token: TOKEN })
    await api('get', '/status').expect(401)
    jest.spyOn(metadata, 'list').mockRejectedValue(new TypeError('a secret'))
    const { body } = await api('get', '/keys').set('authorization', `Bearer ${TOKEN}`).expect(503)
    expect(body.code).toBe('STRATA_STORE_UNAVAILABLE')
    expect(onRequest.mock.calls.map(([told]) => told)).toMatchObject([
      { method: 'GET', url: '/admin/cache/status', status: 401, error: undefined },
      { method: 'GET', url: '/admin/cache/keys', status: 503, error: { code: 'STRATA_STORE_UNAVAILABLE' } },
    ])
  })
})

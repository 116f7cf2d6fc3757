import { describe, expect, test } from '@jest/globals'
import express from 'express'
import request from 'supertest'
import { SCOPES } from '../../src/engine/access/scopes.js'
import { Access, type Verifier } from '../../src/server/access/access.js'
import { clientAddress, countedAs } from '../../src/server/access/client-address.js'
import { BadCredential } from '../../src/server/access/refused.js'
import { throttle, type ThrottleSettings } from '../../src/server/access/throttle.js'
import { adminRouter } from '../../src/server/admin/index.js'
import { TrustedPeers } from '../../src/server/forwarded.js'
import { memoryRateLimiters } from '../../src/stores/memory/rate-limiters.js'
import { memoryAudit } from '../support/audited.js'
import { operatedCache } from '../support/operated-cache.js'

const health = { live: () => ({ ok: true, checks: {} }), ready: () => ({ ok: true, checks: {} }) }
const TOKEN = 'the-token-of-the-settings'
const settings: ThrottleSettings = {
  rateLimit: { perAddress: 0, perPrincipal: 0 },
  lockout: { attempts: 5, windowMs: 600_000, lockMs: 600_000 },
}

async function admin(changes: Partial<ThrottleSettings> = {}, verifiers: Verifier[] = []) {
  const cache = await operatedCache()
  const audited = memoryAudit()
  const trusted = new TrustedPeers(['127.0.0.1'])
  const access = new Access({
    token: TOKEN,
    trustLoopback: true,
    verifiers,
    throttle: throttle(memoryRateLimiters(), { ...settings, ...changes }),
    addressOf: req => clientAddress(req, trusted),
  })
  const { audit } = audited
  const app = express().use('/a', adminRouter({ operator: cache.operator, health, access, audit }))
  const server = app.listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const get = (token: string | undefined, from = '192.0.2.1') => {
    const sent = request(server).get('/a/status').set('x-forwarded-for', from)
    return token === undefined ? sent : sent.set('authorization', `Bearer ${token}`)
  }
  return { ...cache, ...audited, app: server, get, close: () => server.close() }
}

describe('guessing', () => {
  test('the fifth wrong token is the last that is looked at; the right one comes too late', async () => {
    const { get, close } = await admin()
    for (let i = 0; i < 5; i++) await get(`guess-${i}`).expect(401)
    for (const token of ['guess-5', TOKEN]) {
      const { body, headers } = await get(token).expect(429)
      expect(body).toMatchObject({ code: 'STRATA_RATE_LIMITED', status: 429 })
      expect(Number(headers['retry-after'])).toBeGreaterThan(500)
      expect(headers['www-authenticate']).toBeUndefined()
    }
    await get(TOKEN, '192.0.2.2').expect(200)
    close()
  })

  test('a hundred at once are no more than one after another', async () => {
    let seen = 0
    const verifier: Verifier = async () => {
      seen++
      await new Promise(resolve => setImmediate(resolve))
      throw new BadCredential('wrong', true)
    }
    const { get, close } = await admin({}, [verifier])
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => get(`guess-${i}`)))
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(95)
    expect(seen).toBe(5)
    close()
  })

  test('X-Forwarded-For makes nobody another: only what a believed proxy has added counts', async () => {
    const { get, close } = await admin()
    for (let i = 0; i < 5; i++) await get(`guess-${i}`, `203.0.113.${i}, 192.0.2.1`).expect(401)
    await get(TOKEN, '203.0.113.99, 192.0.2.1').expect(429)
    close()
  })

  test('an IPv6 subscriber has as many tries as anybody', async () => {
    const { get, close } = await admin()
    for (let i = 0; i < 5; i++) await get(`guess-${i}`, `2001:db8:1:2::${i}`).expect(401)
    await get(TOKEN, '2001:db8:1:2:ffff::1').expect(429)
    await get(TOKEN, '2001:db8:1:3::1').expect(200)
    close()
  })

  test('what is no guess locks nobody out: none at all, and those that have run out', async () => {
    const expired: Verifier = async () => {
      throw new BadCredential('it has run out', false)
    }
    const { get, close } = await admin({}, [expired])
    for (let i = 0; i < 20; i++) await get(i % 2 === 0 ? undefined : 'expired').expect(401)
    await get(TOKEN).expect(200)
    close()
  })

  test('each is in the audit log, without what was tried', async () => {
    const { get, lines, events, close } = await admin()
    await get('a-secret-guess').expect(401)
    expect(events()).toMatchObject([
      { phase: 'refused', from: '192.0.2.1', status: 401, target: 'GET /a/status' },
    ])
    expect(lines.join()).not.toContain('a-secret-guess')
    close()
  })

  test('the audit log takes ten refusals in a second, and says how many it left out', async () => {
    const lockout = { ...settings.lockout, attempts: 1000 }
    const { get, events, close } = await admin({ lockout })
    for (let i = 0; i < 30; i++) await get(`guess-${i}`).expect(401)
    expect(events()).toHaveLength(10)
    close()
  })
})

describe('too many requests', () => {
  test('from one address, with or without credentials', async () => {
    const { get, close } = await admin({ rateLimit: { perAddress: 3, perPrincipal: 0 } })
    await get(TOKEN).expect(200)
    await get(undefined).expect(401)
    await get(TOKEN).expect(200)
    const { headers } = await get(TOKEN).expect(429)
    expect(Number(headers['retry-after'])).toBeGreaterThan(0)
    await get(undefined).expect(429)
    await get(TOKEN, '192.0.2.2').expect(200)
    close()
  })

  test('of one principal, from wherever', async () => {
    const verifier: Verifier = async id => ({ kind: 'key', id, scopes: new Set(SCOPES) })
    const { get, close } = await admin({ rateLimit: { perAddress: 0, perPrincipal: 2 } }, [verifier])
    await get('key-a', '192.0.2.1').expect(200)
    await get('key-a', '192.0.2.2').expect(200)
    await get('key-a', '192.0.2.3').expect(429)
    await get('key-b', '192.0.2.3').expect(200)
    close()
  })
})

describe('what an address is counted as', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:0:1::5', '2001:db8:0:1::/64'],
    ['2001:DB8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4::/64'],
    ['0001:02::', '1:2:0:0::/64'],
    ['unknown', 'unknown'],
  ])('%s: %s', (address, counted) => expect(countedAs(address)).toBe(counted))

  test.each<[string | undefined, string | undefined, string]>([
    ['192.0.2.9', '203.0.113.1', '192.0.2.9'],
    ['::ffff:192.0.2.9', undefined, '192.0.2.9'],
    ['10.0.0.1', '203.0.113.1', '203.0.113.1'],
    ['::ffff:10.0.0.1', '6.6.6.6, 203.0.113.1, 10.0.0.2', '203.0.113.1'],
    ['10.0.0.1', '203.0.113.1, not an address', '10.0.0.1'],
    ['10.0.0.1', '', '10.0.0.1'],
    ['10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    [undefined, '203.0.113.1', 'unknown'],
  ])('peer %s, X-Forwarded-For %j: %s', (remoteAddress, forwarded, address) => {
    const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
    expect(clientAddress({ headers, socket: { remoteAddress } }, new TrustedPeers(['10.0.0.0/8']))).toBe(
      address,
    )
  })
})

describe('every answer', () => {
  test.each([
    ['a good one', '/a/status', TOKEN, 200],
    ['without credentials', '/a/status', undefined, 401],
    ['of wrong ones', '/a/status', 'wrong-token', 401],
    ['of no route', '/a/none', TOKEN, 404],
    ['of a bad request', '/a/keys?limit=x', TOKEN, 400],
  ])('%s: has the fields of helmet, no CORS, and is not stored', async (_, path, token, status) => {
    const { app, close } = await admin()
    const sent = request(app).get(path).set('origin', 'https://evil.example')
    if (token !== undefined) sent.set('authorization', `Bearer ${token}`)
    const { headers, body } = await sent.expect(status)
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'content-security-policy':
        "default-src 'none';frame-ancestors 'none';base-uri 'none';form-action 'none'",
      'x-request-id': expect.stringMatching(/^[\w.:-]{8,}$/),
    })
    expect(Object.keys(headers).filter(name => name.startsWith('access-control-'))).toEqual([])
    expect(headers).not.toHaveProperty('strict-transport-security')
    expect(headers).not.toHaveProperty('set-cookie')
    if (status >= 400) {
      expect(headers['content-type']).toBe('application/problem+json')
      expect(body).toMatchObject({ type: 'about:blank', status, title: expect.any(String) })
      expect(JSON.stringify(body)).not.toMatch(/\bat .*\.[jt]s|node_modules/)
    }
    close()
  })

  test('has no CORS even when the application gives it to everything', async () => {
    const cache = await operatedCache()
    const access = new Access({ token: TOKEN, trustLoopback: true })
    const app = express()
    app.use((_req, res, next) => {
      res.set({ 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Credentials': 'true' })
      next()
    })
    const { audit } = memoryAudit()
    app.use('/a', adminRouter({ operator: cache.operator, health, access, audit }))
    const { headers } = await request(app).get('/a/status').set('authorization', `Bearer ${TOKEN}`)
    expect(Object.keys(headers).filter(name => name.startsWith('access-control-'))).toEqual([])
    await request(app).options('/a/status').set('authorization', `Bearer ${TOKEN}`).expect(405)
  })
})

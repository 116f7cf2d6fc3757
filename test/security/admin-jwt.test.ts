import { createHmac } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { exportSPKI, generateKeyPair, importJWK, SignJWT, type CryptoKey } from 'jose'
import { Access } from '../../src/server/access/access.js'
import { issuerKeys } from '../../src/server/access/issuer-keys.js'
import { jwtVerifier, type JwtSettings } from '../../src/server/access/jwt-verifier.js'
import { systemClock } from '../../src/engine/clock.js'
import { BadCredential } from '../../src/server/access/refused.js'
import { AUDIENCE, startIssuer, type TokenIssuer } from '../support/token-issuer.js'

let idp: TokenIssuer
beforeAll(async () => {
  idp = await startIssuer()
})
afterAll(() => idp.close())

const hour = 3600
const now = () => Math.floor(Date.now() / 1000)
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

function verifier(settings: Partial<JwtSettings> = {}, keys = issuerKeys({ issuer: idp.issuer })) {
  return jwtVerifier(
    {
      issuer: idp.issuer,
      audience: [AUDIENCE],
      algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
      clockSkewMs: 30_000,
      scopesClaim: 'scope',
      scopePrefix: 'strata:',
      ...settings,
    },
    { keys, clock: systemClock, namespace: 'maps' },
  )
}

/** Through the same gate as a request. */
async function enter(token: string, verify = verifier()) {
  const access = new Access({ trustLoopback: false, verifiers: [verify] })
  return access.enter({
    headers: { authorization: `Bearer ${token}` },
    socket: { remoteAddress: '192.0.2.1' },
  })
}

describe('a token of the issuer', () => {
  test('is taken, with the scopes that it names and no more', async () => {
    const principal = await enter(await idp.sign({ scope: 'openid strata:read strata:purge profile' }))
    expect(principal).toEqual({ kind: 'jwt', id: 'jwt:alice', scopes: new Set(['read', 'purge']) })
  })

  test.each<[string, Partial<JwtSettings>, Record<string, unknown>, string[]]>([
    ['a list', {}, { scope: ['strata:warm'] }, ['warm']],
    ['a role', {}, { scope: 'strata:reader' }, ['read']],
    ['names without the prefix are not ours', {}, { scope: 'read purge-all admin' }, []],
    ['no claim', {}, {}, []],
    ['a claim of another kind', {}, { scope: { 'strata:read': true } }, []],
    [
      'mapped, from a claim within a claim (Keycloak)',
      { scopesClaim: 'realm_access.roles', scopes: { 'cache-ops': ['operator'] } },
      { realm_access: { roles: ['cache-ops', 'other'] } },
      ['read', 'purge', 'purge-all', 'warm'],
    ],
    [
      'from a claim that is a URL',
      { scopesClaim: 'https://example.org/roles' },
      { 'https://example.org/roles': ['strata:config'] },
      ['config'],
    ],
    ['no prototype to fall through to', { scopesClaim: '__proto__.constructor' }, {}, []],
    ['no value of a prototype', { scopes: {} }, { scope: 'constructor toString __proto__' }, []],
  ])('scopes: %s', async (_, settings, claims, scopes) => {
    const principal = await enter(await idp.sign(claims), verifier(settings))
    expect([...principal.scopes].sort()).toEqual([...scopes].sort())
  })

  test('is good for the namespaces that it names, once the settings ask for that', async () => {
    const asked = verifier({ namespacesClaim: 'ns' })
    for (const ns of ['maps', ['other', 'maps'], '*'])
      expect((await enter(await idp.sign({ ns }), asked)).id).toBe('jwt:alice')
    for (const ns of [undefined, 'other', ['map', 'maps2'], 5, { maps: true }])
      await expect(enter(await idp.sign({ ns }), asked)).rejects.toMatchObject({ status: 401 })
  })

  test('who is long has a name of his own all the same', async () => {
    const [a, b] = await Promise.all(
      ['a', 'b'].map(async end => (await enter(await idp.sign({ sub: `${'x'.repeat(5000)}${end}` }))).id),
    )
    expect(a).not.toBe(b)
    expect(a!.length).toBeLessThan(64)
  })
})

describe('what is no token of the issuer', () => {
  /** Said to be a guess: it counts towards the lock-out. */
  const refused = async (token: string, isGuess: boolean, verify = verifier()) => {
    const error = await enter(token, verify).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(BadCredential)
    expect(error).toMatchObject({ status: 401, isGuess })
    expect((error as BadCredential).headers['WWW-Authenticate']).toBe(
      'Bearer realm="strata", error="invalid_token"',
    )
    expect((error as Error).message).not.toContain(token.slice(0, 40))
  }
  const claims = () => ({
    iss: idp.issuer,
    aud: AUDIENCE,
    sub: 'mallory',
    scope: 'strata:admin',
    exp: now() + hour,
  })
  const unsigned = (header: object, signature = '') => `${part(header)}.${part(claims())}.${signature}`

  test.each(['none', 'None', 'NONE', 'nOnE', ''])('alg %j', async alg => {
    await refused(unsigned({ alg, typ: 'JWT' }), true)
    await refused(unsigned({ alg, kid: 'key-1' }, 'AAAA'), true)
  })

  test('HS256 with the public key for a secret', async () => {
    const key = (await importJWK(idp.publicJwk, 'RS256', { extractable: true })) as CryptoKey
    const secrets = [
      await exportSPKI(key),
      (await exportSPKI(key)).trim(),
      JSON.stringify(idp.publicJwk),
      idp.publicJwk.n!,
      '',
    ]
    for (const secret of secrets) {
      for (const alg of ['HS256', 'HS384', 'HS512'] as const) {
        const head = `${part({ alg, kid: 'key-1' })}.${part(claims())}`
        const signature = createHmac(alg.replace('HS', 'sha'), secret).update(head).digest('base64url')
        await refused(`${head}.${signature}`, true)
      }
    }
  })

  test('signed by somebody else, under our kid, with his key in the header', async () => {
    const other = await startIssuer()
    try {
      const forged = (header: Record<string, unknown>) =>
        new SignJWT(claims()).setProtectedHeader({ alg: 'RS256', ...header }).sign(other.privateKey)
      await refused(await forged({ kid: 'key-1' }), true)
      await refused(await forged({}), true)
      await refused(await forged({ kid: 'key-1', jwk: other.publicJwk }), true)
      await refused(await forged({ kid: 'key-1', jku: other.jwksUrl }), true)
      await refused(await forged({ kid: 'key-1', x5u: `${other.issuer}/cert` }), true)
      expect(other.asked()).toBe(0)
    } finally {
      await other.close()
    }
  })

  test.each([
    '../../../../dev/null',
    "' OR '1'='1",
    'key-1\u0000',
    '/etc/passwd',
    'http://127.0.0.1:1/jwks',
    '__proto__',
  ])('kid %j', async kid => {
    await refused(await idp.sign({}, { kid }), true)
  })

  test('an algorithm that is not allowed, with a good signature', async () => {
    await refused(await idp.sign(), true, verifier({ algorithms: ['ES256'] }))
    const { privateKey } = await generateKeyPair('ES512')
    const token = await new SignJWT(claims())
      .setProtectedHeader({ alg: 'ES512', kid: 'key-1' })
      .sign(privateKey)
    await refused(token, true)
  })

  test.each<[string, () => Record<string, unknown>]>([
    ['another audience', () => ({ aud: 'other-service' })],
    ['no audience', () => ({ aud: undefined })],
    ['another issuer', () => ({ iss: 'https://evil.example' })],
    ['an issuer with a slash more', () => ({ iss: `${idp.issuer}/` })],
    ['no issuer', () => ({ iss: undefined })],
    ['expired', () => ({ exp: now() - 60 })],
    ['no end', () => ({ exp: undefined })],
    ['an end that is a text', () => ({ exp: '9999999999' })],
    ['not yet valid', () => ({ nbf: now() + 60 })],
  ])('%s', async (_, change) => {
    await refused(await idp.sign(change()), false)
  })

  test('clocks may differ by what the settings say', async () => {
    await enter(await idp.sign({ exp: now() - 10, nbf: now() + 10 }))
    await refused(await idp.sign({ exp: now() - 10 }), false, verifier({ clockSkewMs: 1000 }))
  })

  test('a field of the header that must be understood, and is not', async () => {
    const token = unsigned({ alg: 'RS256', kid: 'key-1', crit: ['made-up'], 'made-up': true }, 'AAAA')
    await refused(token, true)
  })

  test('a payload that was changed, a signature that was cut, other encodings', async () => {
    const [head, body, signature] = (await idp.sign({ scope: 'strata:read' })).split('.') as [
      string,
      string,
      string,
    ]
    await refused(`${head}.${part({ ...claims() })}.${signature}`, true)
    await refused(`${head}.${body}.`, true)
    await refused(`${head}.${body}.${signature.slice(0, -4)}`, true)
    await refused(`${head}.${body}.${signature}=`, true)
    await refused(`${head}.${body}.${signature}.x.y`, true)
    await refused(`${head}..${signature}`, true)
    await refused(`${part({ alg: 'RS256', kid: 'key-1', b64: false })}.${body}.${signature}`, true)
    await refused(`${part([])}.${body}.${signature}`, true)
    await refused(`bm90IGpzb24.${body}.${signature}`, true)
  })

  test('a huge one is not even looked at', async () => {
    await refused(await idp.sign({ filler: 'x'.repeat(9000) }), true)
  })
})

describe('the keys of the issuer', () => {
  test('are asked for once, and for an unknown kid not again and again', async () => {
    const own = await startIssuer('ES256')
    try {
      const verify = verifier({ issuer: own.issuer }, issuerKeys({ issuer: own.issuer }))
      for (let i = 0; i < 5; i++) await enter(await own.sign(), verify)
      for (let i = 0; i < 20; i++) {
        const token = await own.sign({}, { kid: `made-up-${i}` })
        await expect(enter(token, verify)).rejects.toMatchObject({ status: 401 })
      }
      expect(own.asked()).toBe(1)
    } finally {
      await own.close()
    }
  })

  test('that can not be had are 503, not a guess; and come back without a restart', async () => {
    const own = await startIssuer('EdDSA')
    own.isDown = true
    try {
      const { jwksUrl, issuer } = own
      for (const keys of [issuerKeys({ issuer }, 0), issuerKeys({ issuer, jwksUrl }, 0)]) {
        const token = await own.sign()
        await expect(enter(token, verifier({ issuer }, keys))).rejects.toMatchObject({ status: 503 })
        own.isDown = false
        expect((await enter(token, verifier({ issuer }, keys))).id).toBe('jwt:alice')
        own.isDown = true
      }
    } finally {
      await own.close()
    }
  })

  test('that fail are left alone for a while, however many tokens come', async () => {
    const own = await startIssuer()
    await own.close()
    const spy = jest.spyOn(globalThis, 'fetch')
    try {
      const verify = verifier({ issuer: own.issuer }, issuerKeys({ issuer: own.issuer }, 3_600_000))
      for (let i = 0; i < 20; i++)
        await expect(enter(await own.sign(), verify)).rejects.toMatchObject({ status: 503 })
      expect(spy).toHaveBeenCalledTimes(1)
    } finally {
      spy.mockRestore()
    }
  })

  test('of another issuer, too large, or behind a redirect are not taken', async () => {
    const keys = [
      issuerKeys({ issuer: idp.issuer, jwksUrl: `${idp.issuer}/huge` }),
      issuerKeys({ issuer: idp.issuer, jwksUrl: `${idp.issuer}/none` }),
      issuerKeys({ issuer: `${idp.issuer}/` }),
      issuerKeys({ issuer: 'http://127.0.0.1:1' }),
    ]
    for (const one of keys)
      await expect(enter(await idp.sign(), verifier({}, one))).rejects.toMatchObject({ status: 503 })
  })

  test('may come from a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'strata-jwks-'))
    try {
      const jwksFile = join(folder, 'jwks.json')
      await writeFile(jwksFile, JSON.stringify({ keys: [idp.publicJwk] }))
      const keys = issuerKeys({ issuer: idp.issuer, jwksFile })
      expect((await enter(await idp.sign(), verifier({}, keys))).id).toBe('jwt:alice')
      await writeFile(jwksFile, '{"keys":5}')
      expect(() => issuerKeys({ issuer: idp.issuer, jwksFile })).toThrow('admin.jwt.jwksFile')
      expect(() => issuerKeys({ issuer: idp.issuer, jwksFile: join(folder, 'none') })).toThrow(
        'admin.jwt.jwksFile',
      )
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

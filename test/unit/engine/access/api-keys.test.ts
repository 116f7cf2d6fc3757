import { describe, expect, test } from '@jest/globals'
import { decodeApiKey, encodeApiKey, mintToken, parseToken } from '../../../../src/engine/access/api-key.js'
import { ApiKeys, MAX_API_KEYS, type ApiKeyRequest } from '../../../../src/engine/access/api-keys.js'
import { memoryApiKeyStore } from '../../../../src/stores/memory/index.js'
import { ManualTime } from '../../../support/manual-timers.js'

const request: ApiKeyRequest = { name: 'ci', scopes: ['read', 'purge'], lifeMs: 60_000 }

function keysOf(namespace = 'maps') {
  const clock = new ManualTime()
  const store = memoryApiKeyStore()
  return { clock, store, keys: new ApiKeys({ store, clock, namespace }) }
}

describe('an API key', () => {
  test('has 256 random bits, of which the store holds a digest alone', async () => {
    const { keys, store } = keysOf()
    const { token, key } = await keys.create(request, 'token')
    const secret = /^strata_[0-9a-f]{16}_([A-Za-z0-9_-]{43})$/.exec(token)![1]!
    expect(Buffer.from(secret, 'base64url')).toHaveLength(32)
    const stored = (await store.list()).join()
    expect(stored).not.toContain(secret)
    expect(key).toMatchObject({
      name: 'ci',
      namespace: 'maps',
      scopes: ['read', 'purge'],
      createdBy: 'token',
    })
    expect(JSON.stringify([key, await keys.list()])).not.toContain('hash')
    const other = await keys.create(request, 'token')
    expect(other.token.slice(24)).not.toBe(token.slice(24))
  })

  test('is good until its end', async () => {
    const { keys, clock } = keysOf()
    const { token, key } = await keys.create(request, 'token')
    expect(await keys.verify(token)).toMatchObject({ state: 'good', key: { id: key.id } })
    clock.advance(59_999)
    expect(await keys.verify(token)).toMatchObject({ state: 'good' })
    clock.advance(1)
    expect(await keys.verify(token)).toEqual({ state: 'expired' })
    expect(await keys.list()).toMatchObject([{ expired: true }])
    const { token: endless } = await keys.create({ ...request, lifeMs: null }, 'token')
    clock.advance(1e12)
    expect(await keys.verify(endless)).toMatchObject({ state: 'good' })
  })

  test('is nothing any more once it is revoked', async () => {
    const { keys } = keysOf()
    const { token, key } = await keys.create(request, 'token')
    await keys.revoke(key.id)
    expect(await keys.verify(token)).toEqual({ state: 'unknown' })
    await expect(keys.revoke(key.id)).rejects.toMatchObject({ code: 'STRATA_NOT_FOUND' })
    await expect(keys.revoke('../x')).rejects.toMatchObject({ code: 'STRATA_NOT_FOUND' })
  })

  test('with another secret, or of another id, is unknown; any other text is no key at all', async () => {
    const { keys } = keysOf()
    const { token, key } = await keys.create(request, 'token')
    const { token: other } = mintToken()
    const wrong = [other, token.slice(0, 24) + other.slice(24), other.slice(0, 24) + token.slice(24)]
    for (const one of wrong) expect(await keys.verify(one)).toEqual({ state: 'unknown' })
    for (const text of ['', 'x', key.id, `${token}x`, token.slice(0, -1), token.toUpperCase(), ` ${token}`])
      expect(await keys.verify(text)).toBeUndefined()
  })

  test('an expired one with a wrong secret says nothing of its end', async () => {
    const { keys, clock } = keysOf()
    const { token } = await keys.create(request, 'token')
    clock.advance(100_000)
    expect(await keys.verify(token.slice(0, 24) + mintToken().token.slice(24))).toEqual({ state: 'unknown' })
  })

  test('copied into the store of another namespace, or under another id, is unknown', async () => {
    const [a, b] = [keysOf('a'), keysOf('b')]
    const { token, key } = await a.keys.create(request, 'token')
    const text = (await a.store.get(key.id))!
    await b.store.add(key.id, text, 10)
    expect(await b.keys.verify(token)).toEqual({ state: 'unknown' })
    const id = '0123456789abcdef'
    await a.store.add(id, text, 10)
    expect(await a.keys.verify(token.replace(key.id, id))).toEqual({ state: 'unknown' })
  })

  test('roles are their scopes, and purge-all is purge as well', async () => {
    const { keys } = keysOf()
    const scopes = async (...names: ApiKeyRequest['scopes']) =>
      [...(await keys.create({ ...request, scopes: names }, 'token')).key.scopes].sort()
    expect(await scopes('operator', 'read')).toEqual(['purge', 'purge-all', 'read', 'warm'])
    expect(await scopes('purge-all')).toEqual(['purge', 'purge-all'])
  })

  test.each<[Partial<Record<keyof ApiKeyRequest, unknown>>, string[]]>([
    [{ name: '' }, ['name']],
    [{ name: 'a\nb' }, ['name']],
    [{ name: 'x'.repeat(101) }, ['name']],
    [{ scopes: [] }, ['scopes']],
    [{ scopes: ['everything'], lifeMs: -1 }, ['scopes', 'expires']],
    [{ lifeMs: Number.NaN }, ['expires']],
    [{ lifeMs: 1e15 }, ['expires']],
  ])('%j is refused', async (changes, paths) => {
    const { keys, store } = keysOf()
    await expect(keys.create({ ...request, ...changes } as ApiKeyRequest, 'token')).rejects.toMatchObject({
      code: 'STRATA_BAD_REQUEST',
      faults: paths.map(path => expect.objectContaining({ path })),
    })
    expect(await store.list()).toEqual([])
  })

  test('there is room for so many, and then no more', async () => {
    const { keys, store } = keysOf()
    for (let i = 0; i < MAX_API_KEYS; i++) await store.add(`id-${i}`, 'x', MAX_API_KEYS)
    await expect(keys.create(request, 'token')).rejects.toMatchObject({ code: 'STRATA_BAD_REQUEST' })
  })
})

describe('what is stored is not believed (P10)', () => {
  const { id, hash } = mintToken()
  const key = {
    ...{ id, hash, name: 'a', namespace: 'b', scopes: ['read' as const], createdAt: 1 },
    ...{ createdBy: 'token', expiresAt: null },
  }
  test('comes back as it went', () => expect(decodeApiKey(encodeApiKey(key))).toEqual(key))

  test.each([
    '',
    'null',
    '[]',
    '"x"',
    '{',
    JSON.stringify(key),
    JSON.stringify({ v: 2, ...key }),
    JSON.stringify({ v: 1, ...key, scopes: ['everything'] }),
    JSON.stringify({ v: 1, ...key, scopes: 'read' }),
    JSON.stringify({ v: 1, ...key, expiresAt: '9' }),
    JSON.stringify({ v: 1, ...key, expiresAt: undefined }),
    JSON.stringify({ v: 1, ...key, hash: 5 }),
  ])('%s is no key', text => expect(decodeApiKey(text)).toBeUndefined())

  test('a token has two parts', () => {
    expect(parseToken(`strata_${id}_${'a'.repeat(43)}`)?.id).toBe(id)
    expect(parseToken(`strata_${id.toUpperCase()}_${'a'.repeat(43)}`)).toBeUndefined()
  })
})

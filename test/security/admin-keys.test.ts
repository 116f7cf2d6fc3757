import { afterEach, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { run } from '../../src/cli/program.js'
import { startBackend } from '../support/backends.js'
import { closeAll, onClose, openStrata } from '../support/mounted-strata.js'

afterEach(closeAll)

const TOKEN = 'the-token-of-the-settings'

/** Two nodes on one Redis, with the command beside them. */
async function nodes() {
  const backend = await startBackend('redis')
  onClose(() => backend.stop())
  const node = async (namespace = 'default', attempts = 1000) => {
    const strata = await openStrata({
      ...backend.options,
      namespace,
      admin: { token: TOKEN, lockout: { attempts } },
    })
    const app = strata.admin()
    return (method: 'get' | 'post' | 'delete', path: string, credentials = TOKEN) =>
      request(app)[method](path).set('authorization', `Bearer ${credentials}`)
  }
  const cli = async (...args: string[]) => {
    const said = { out: '', err: '' }
    const before = process.env
    process.env = { ...before, ...backend.env }
    try {
      const code = await run(['node', 'strata', 'keys', ...args], {
        out: text => (said.out += text),
        err: text => (said.err += text),
      })
      return { code, ...said }
    } finally {
      process.env = before
    }
  }
  return { node, cli, redis: backend.redis! }
}

describe('API keys on two nodes', () => {
  test('made on one, good on the other, revoked on one, refused on the other at its next request', async () => {
    const { node } = await nodes()
    const [one, two] = [await node(), await node()]
    const made = (await one('post', '/api-keys').send({ name: 'ci', scopes: ['purger'] })).body
    expect(made).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f]{16}$/),
      key: { scopes: ['read', 'purge'] },
    })
    await two('get', '/status', made.token).expect(200)
    await two('post', '/invalidate', made.token)
      .send({ tags: ['t'] })
      .expect(200)
    await two('post', '/invalidate', made.token).send({ all: true, confirm: true }).expect(403)
    await two('get', '/api-keys', made.token).expect(403)
    const { text } = await two('get', '/api-keys').expect(200)
    expect(text).toContain(made.id)
    expect(text).not.toContain(made.token.slice(-43))
    await one('delete', `/api-keys/${made.id}`).expect(200)
    await two('get', '/status', made.token).expect(401)
    await one('delete', `/api-keys/${made.id}`).expect(404)
  })

  test('nobody gives what he has not got', async () => {
    const { node } = await nodes()
    const one = await node()
    const make = (scopes: string[], by?: string) =>
      one('post', '/api-keys', by).send({ name: 'x', scopes, expiresInDays: 1 })
    const { token: keysOnly } = (await make(['keys', 'read']).expect(201)).body
    for (const scopes of [['purge'], ['admin'], ['read', 'config'], ['purge-all']])
      await make(scopes, keysOnly).expect(403)
    await make(['keys'], keysOnly).expect(201)
    for (const body of [{ name: 'x' }, { name: 'x', scopes: ['root'] }, { scopes: ['read'] }, [], 'text'])
      await one('post', '/api-keys').send(body).expect(400)
    await one('post', '/api-keys')
      .send({ name: 'x', scopes: ['read'], expiresInDays: -1 })
      .expect(400)
  })

  test('a key of one namespace is nothing in another', async () => {
    const { node } = await nodes()
    const [maps, other] = [await node('maps'), await node('other')]
    const { token } = (await maps('post', '/api-keys').send({ name: 'x', scopes: ['admin'] })).body
    await maps('get', '/status', token).expect(200)
    await other('get', '/status', token).expect(401)
  })

  test('without the store a key can not be looked at: 503; the token of the settings needs none', async () => {
    const { node, redis } = await nodes()
    const one = await node()
    const { token } = (await one('post', '/api-keys').send({ name: 'x', scopes: ['read'] })).body
    await redis.stop()
    await one('get', '/stats', token).expect(503)
    await one('get', '/stats').expect(200)
  })
})

test('who is locked out on one node is locked out on the other', async () => {
  const { node } = await nodes()
  const [one, two] = [await node('default', 4), await node('default', 4)]
  for (let i = 0; i < 4; i++) await (i % 2 === 0 ? one : two)('get', '/stats', `guess-${i}`).expect(401)
  await two('get', '/stats').expect(429)
  await one('get', '/stats').expect(429).expect('retry-after', /^\d+$/)
})

describe('strata keys', () => {
  test('create says the key alone, list says all but it, revoke makes it useless', async () => {
    const { node, cli } = await nodes()
    const one = await node()
    const made = await cli('create', '--name', 'backup job', '--scopes', 'read,purge', '--expires', '12h')
    expect(made).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^strata_[0-9a-f]{16}_[A-Za-z0-9_-]{43}\n$/),
    })
    const token = made.out.trim()
    const id = token.split('_')[1]!
    await one('get', '/status', token).expect(200)
    const list = await cli('list')
    expect(list.out).toContain(`${id}  "backup job"  read,purge  expires `)
    const [listed] = JSON.parse((await cli('list', '--json')).out)
    expect(listed).toMatchObject({ id, expired: false, createdBy: expect.stringMatching(/^cli:/) })
    expect(list.out + JSON.stringify(listed) + made.err).not.toContain(token.slice(-43))
    expect(await cli('revoke', id)).toMatchObject({ code: 0 })
    await one('get', '/status', token).expect(401)
    expect(await cli('revoke', id)).toMatchObject({
      code: 1,
      err: expect.stringContaining('there is no API key'),
    })
    expect((await cli('list')).out).toBe('There are no API keys.\n')
    const { events } = (await one('get', '/audit').expect(200)).body
    expect(events.map(({ action, phase }: Record<string, string>) => [action, phase])).toEqual([
      ['revoke-api-key', 'result'],
      ['revoke-api-key', 'intent'],
      [undefined, 'refused'],
      ['revoke-api-key', 'result'],
      ['revoke-api-key', 'intent'],
      ['create-api-key', 'result'],
      ['create-api-key', 'intent'],
    ])
    expect(events.at(-1)).toMatchObject({
      who: expect.stringMatching(/^cli:/),
      target: { name: 'backup job' },
    })
  })

  test('what is wrong is said, and nothing made', async () => {
    const { cli } = await nodes()
    const wrong = [
      ['create', '--name', 'x'],
      ['create', '--scopes', 'read'],
      ['create', '--name', 'x', '--scopes', 'everything'],
      ['create', '--name', 'x', '--scopes', 'read', '--expires', 'soon'],
      ['revoke'],
    ]
    for (const args of wrong) expect((await cli(...args)).code).not.toBe(0)
    expect((await cli('list')).out).toBe('There are no API keys.\n')
    expect(await cli('list', '--backend', 'memory')).toMatchObject({ code: 2 })
  })
})

import { describe, expect, test } from '@jest/globals'
import type request from 'supertest'
import { admin, listen } from '../../support/mounted-admin.js'

describe('bad input: 400, every fault named, nothing done', () => {
  const refused = async (
    send: (api: Awaited<ReturnType<typeof admin>>['api']) => request.Test,
    paths: string[],
    status = 400,
  ) => {
    const { api, fence, fill, metadata } = await admin()
    await fill('a')
    const { body } = await send(api).expect(status).expect('content-type', 'application/problem+json')
    expect(body).toMatchObject({ type: 'about:blank', status })
    expect(JSON.stringify(body)).not.toMatch(/\bat .*\.[jt]s/)
    expect((body.faults ?? []).map((f: { path: string }) => f.path)).toEqual(paths)
    expect(fence.state().seq).toBe(0)
    expect((await metadata.usage()).entries).toBe(1)
  }

  test.each<[unknown, string[]]>([
    [{}, ['']],
    [[], ['']],
    [null, ['']],
    [{ keys: 'a' }, ['keys']],
    [{ keys: ['short', 5], nope: 1 }, ['keys[1]', 'nope']],
    [{ keys: ['short'], patterns: ['(a+)+'], status: 7 }, ['keys[0]', 'status', 'patterns[0]']],
    [{ all: 'yes' }, ['all']],
    [{ all: false }, ['all']],
    [{ all: true, confirm: true, tags: ['a'] }, ['all']],
    [{ all: true }, ['confirm']],
    [{ all: true, confirm: false }, ['confirm']],
    [{ all: true, confirm: 'yes' }, ['confirm']],
    [{ tags: [] }, ['tags']],
    [{ olderThan: 'yesterday' }, ['olderThan']],
    [{ patterns: ['a'.repeat(257)] }, ['patterns[0]']],
    [JSON.parse('{"__proto__": {"all": true}}'), ['__proto__']],
  ])('%j', async (body, paths) => {
    await refused(
      api => api('post', '/invalidate').set('content-type', 'application/json').send(JSON.stringify(body)),
      paths,
    )
  })

  test('no JSON, and none at all', async () => {
    await refused(
      api => api('post', '/invalidate').set('content-type', 'application/json').send('{"all"'),
      [],
    )
    await refused(api => api('post', '/invalidate'), [])
  })

  test('too large: 413, with and without a length', async () => {
    const tags = Array.from({ length: 9000 }, (_, i) => `tag-${i}`)
    await refused(api => api('post', '/invalidate').send({ tags }), [], 413)
    const { handler } = await admin()
    const port = await listen(handler)
    async function* chunks() {
      for (let i = 0; i < 20; i++) yield Buffer.alloc(8192, 'a')
    }
    const answer = await fetch(`http://127.0.0.1:${port}/admin/cache/invalidate`, {
      method: 'POST',
      body: chunks(),
      duplex: 'half',
    } as RequestInit)
    expect(answer.status).toBe(413)
    expect(await answer.json()).toMatchObject({ code: 'STRATA_TOO_LARGE' })
  })

  test.each([
    ['/keys?limit=x', ['limit']],
    ['/keys?limit=0', ['limit']],
    ['/keys?limit=5&limit=6', ['limit']],
    ['/keys?sort=url', ['sort']],
    ['/keys?cursor=abc', ['cursor']],
    ['/keys?pattern=(', ['pattern']],
    ['/keys/%zz', []],
  ])('GET %s', async (path, paths) => {
    await refused(api => api('get', path), paths)
  })

  test.each([
    ['/invalidate/pattern/a?x=1', ['x']],
    ['/invalidate/pattern/a?dryRun=perhaps', ['dryRun']],
    ['/invalidate/pattern/%5Ba', ['patterns[0]']],
    ['/invalidate?all=true', ['all']],
  ])('POST %s', async (path, paths) => {
    await refused(api => api('post', path), paths)
  })
})

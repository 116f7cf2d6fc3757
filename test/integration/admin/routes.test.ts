import { describe, expect, test } from '@jest/globals'
import { sampleBody, sampleKey } from '../../support/entries.js'
import { admin, mounts } from '../../support/mounted-admin.js'

describe.each(Object.keys(mounts))('in %s', name => {
  const mount = mounts[name]!

  test('status, stats and keys', async () => {
    const { api, fill, stats } = await admin({}, mount)
    await fill('a', { tags: ['t'] })
    await fill('b')
    stats.hits = 1
    const status = await api('get', '/status').expect(200)
    expect(status.body).toMatchObject({ backend: 'memory', entries: 2, hits: 1, hitRatio: 1 })
    expect(status.headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    expect(status.headers).not.toHaveProperty('access-control-allow-origin')
    expect((await api('get', '/stats').expect(200)).body).toMatchObject({ hits: 1, misses: 0 })
    const { body } = await api('get', '/keys?tag=t&pattern=').expect(200)
    expect(body.keys).toMatchObject([{ url: 'http://h/a', key: sampleKey('a'), ttl: 50, hits: 0 }])
    expect((await api('get', `/keys/${sampleKey('a')}`).expect(200)).body).toMatchObject({
      variants: [{ tags: ['t'] }],
    })
    await api('head', '/status').expect(200)
  })

  test('purge by key, with DELETE and with POST', async () => {
    const { api, fill, metadata } = await admin({}, mount)
    await fill('a')
    await fill('a', { variant: 'v', body: sampleBody('v') })
    await fill('b')
    const gone = await api('delete', `/keys/${sampleKey('a')}`).expect(200)
    expect(gone.body).toMatchObject({ seq: 1, effective: true, matched: 2, sweeping: false, pending: [] })
    await api('get', `/keys/${sampleKey('a')}`).expect(404)
    expect((await api('post', `/invalidate/key/${sampleKey('b')}`).expect(200)).body).toMatchObject({
      matched: 1,
    })
    expect((await metadata.usage()).entries).toBe(0)
    for (const unknown of [sampleKey('a'), 'nope', '%2e%2e']) {
      const { body } = await api('delete', `/keys/${unknown}`)
        .expect(404)
        .expect('content-type', /application\/problem\+json/)
      expect(body).toMatchObject({ status: 404, code: 'STRATA_NOT_FOUND', title: 'Not Found' })
      await api('post', `/invalidate/key/${unknown}`).expect(404)
    }
  })

  test.each([
    ['/tiles/*.png', 2],
    ['%2Ftiles%2F*.png', 2],
    ['tiles/**', 3],
    ['http://h/tiles/{a,c}.*', 1],
    ['http%3A%2F%2Fh%2F**', 4],
    ['**/*.png', 2],
    ['/tiles/%3F.png', 2],
    ['/none/**', 0],
  ])('purge by pattern %s', async (pattern, matched) => {
    const { api, fill, metadata } = await admin({}, mount)
    for (const path of ['tiles/a.png', 'tiles/b.png', 'tiles/sub/c.jpg', 'api/x?y=1']) await fill(path)
    const dry = await api('post', `/invalidate/pattern/${pattern}?dryRun=true`).expect(200)
    expect(dry.body).toMatchObject({ dryRun: true, matched })
    expect((await metadata.usage()).entries).toBe(4)
    const { body } = await api('post', `/invalidate/pattern/${pattern}`).expect(200)
    expect(body).toMatchObject({ effective: true, matched })
    expect((await metadata.usage()).entries).toBe(4 - matched)
  })

  test.each<[object, number]>([
    [{ keys: [sampleKey('x/a')] }, 1],
    [{ urls: ['http://h/x/a', '/y'] }, 2],
    [{ patterns: ['/x/*'] }, 2],
    [{ tags: ['t'] }, 2],
    [{ prefix: '/x/' }, 2],
    [{ all: true, confirm: true }, 3],
    [{ tags: ['t'], prefix: '/x/' }, 1],
    [{ olderThan: '2030-01-01T00:00:00Z', host: 'h' }, 3],
    [{ pattern: '/x/*', host: 'h', tag: 't', contentType: 'image/*', status: 200, minBytes: 3 }, 1],
    [{ pattern: '/x/*', host: 'h', tag: 't', contentType: 'image/*', status: 200, minBytes: 4 }, 0],
    [{ patterns: ['/x/*', '/y'], olderThan: '2026-01-01T00:00:00.001Z', tag: 't' }, 2],
    [{ patterns: ['/x/*'], status: 404 }, 0],
  ])('purge by body %j', async (body, matched) => {
    const { api, fill, metadata } = await admin({}, mount)
    await fill('x/a', { tags: ['t'] })
    await fill('x/b')
    await fill('y', { tags: ['t'] })
    const dry = await api('post', '/invalidate')
      .send({ ...body, dryRun: true })
      .expect(200)
    expect(dry.body).toMatchObject({ dryRun: true, matched, complete: true })
    expect(dry.body.sample).toHaveLength(matched)
    expect((await api('post', '/invalidate').send(body).expect(200)).body).toMatchObject({
      effective: true,
      matched,
    })
    expect((await metadata.usage()).entries).toBe(3 - matched)
  })

  test('a pattern of more than 256 characters: 400 that names the limit, and nothing is done', async () => {
    const { api, fence } = await admin({}, mount)
    const long = `/${'a'.repeat(254)}/*`
    for (const body of [{ patterns: ['/ok', long] }, { pattern: long }]) {
      const { faults } = (await api('post', '/invalidate').send(body).expect(400)).body
      expect(faults).toMatchObject([{ message: 'the pattern is longer than 256 characters' }])
    }
    await api('post', `/invalidate/pattern/b${long.slice(1)}`).expect(400)
    await api('post', '/invalidate')
      .send({ pattern: long.slice(1) })
      .expect(200)
    expect(fence.state().seq).toBe(1)
  })

  test('soft purge keeps the entry', async () => {
    const { api, fill } = await admin({}, mount)
    await fill('a', { tags: ['t'] })
    expect(
      (
        await api('post', '/invalidate')
          .send({ tags: ['t'], soft: true })
          .expect(200)
      ).body,
    ).toMatchObject({ matched: 1, soft: true })
    expect((await api('get', '/keys').expect(200)).body.keys).toMatchObject([{ state: 'purged-soft' }])
    await api('post', `/invalidate/key/${sampleKey('a')}?soft=true`).expect(200)
    await api('get', `/keys/${sampleKey('a')}`).expect(200)
  })

  test('sweep, health and ready', async () => {
    const { api } = await admin({}, mount)
    expect((await api('post', '/sweep').expect(200)).body).toMatchObject({ state: 'done', examined: 0 })
    expect((await api('get', '/health').expect(200)).body).toEqual({ status: 'ok', checks: {} })
    expect((await api('get', '/ready').expect(503)).body).toEqual({
      status: 'unavailable',
      checks: { redis: { ok: false, reason: 'refused' } },
    })
  })

  test('unknown routes and methods', async () => {
    const { api } = await admin({}, mount)
    expect((await api('get', '/nope').expect(404)).body).toMatchObject({ code: 'STRATA_NOT_FOUND' })
    await api('put', '/keys').expect(405).expect('allow', 'GET, HEAD')
    await api('get', '/invalidate').expect(405).expect('allow', 'POST')
    await api('get', '/invalidate/pattern/a/b').expect(405).expect('allow', 'POST')
    await api('options', `/keys/${sampleKey(1)}`)
      .expect(405)
      .expect('allow', 'GET, HEAD, DELETE')
  })
})

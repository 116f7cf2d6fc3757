import { describe, expect, jest, test } from '@jest/globals'
import { connect } from 'node:net'
import { sampleKey } from '../../support/entries.js'
import { admin, listen, mounts } from '../../support/mounted-admin.js'

describe('never a false 200', () => {
  test('nodes that have not confirmed: 202 and their names', async () => {
    const { api, fill } = await admin({}, mounts['Express 5'], { settle: async () => ['node-2'] })
    await fill('a')
    const { body } = await api('post', '/invalidate').send({ all: true, confirm: true }).expect(202)
    expect(body).toMatchObject({ effective: false, pending: ['node-2'] })
    await fill('b')
    await api('delete', `/keys/${sampleKey('b')}`).expect(202)
    await api('post', '/invalidate/pattern/**').expect(202)
  })

  test('a store that refuses: 503', async () => {
    const { api, fill, metadata } = await admin()
    await fill('a')
    jest.spyOn(metadata, 'invalidate').mockRejectedValue(new Error('READONLY'))
    const { body } = await api('post', '/invalidate')
      .send({ all: true, confirm: true })
      .expect(503)
      .expect('retry-after', '1')
    expect(body).toMatchObject({ code: 'STRATA_STORE_UNAVAILABLE' })
    await api('delete', `/keys/${sampleKey('a')}`).expect(503)
    await api('post', '/invalidate/pattern/**').expect(503)
    expect((await metadata.usage()).entries).toBe(1)
  })

  test('what fails inside is answered without its inside', async () => {
    const { api, operator } = await admin()
    jest.spyOn(operator, 'status').mockRejectedValue(new TypeError('secret inside'))
    const { body } = await api('get', '/status').expect(500)
    expect(body).toMatchObject({ code: 'STRATA_INTERNAL' })
    expect(JSON.stringify(body)).not.toContain('secret')
  })

  test('a client that leaves in the middle of its body purges nothing', async () => {
    const { handler, fence, onRequest } = await admin()
    const port = await listen(handler)
    const socket = connect(port, '127.0.0.1')
    socket.write(
      'POST /admin/cache/invalidate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n{"all":true,"confirm":true}',
    )
    await new Promise<void>(resolve => socket.once('connect', resolve))
    socket.destroySoon()
    while (onRequest.mock.calls.length === 0) await new Promise(resolve => setImmediate(resolve))
    expect(fence.state().seq).toBe(0)
  })
})

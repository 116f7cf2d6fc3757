import { createServer } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from '@jest/globals'
import { serve } from '../../src/compose.js'
import { loadConfig, type StrataOptions } from '../../src/config/index.js'
import { closeAll, listen, onClose } from '../support/mounted-strata.js'
import { AUDIENCE, startIssuer } from '../support/token-issuer.js'

afterEach(closeAll)

const TOKEN = 'the-token-of-the-settings'

async function proxy(admin: StrataOptions['admin']) {
  const seen: string[] = []
  const origin = await listen((req, res) => {
    seen.push(req.url!)
    res.end(`origin: ${req.url}`)
  })
  const config = loadConfig({
    options: {
      backend: 'memory',
      origin: `http://127.0.0.1:${origin}`,
      port: 0,
      admin: { token: TOKEN, ...admin },
      log: { level: 'silent', access: false },
    },
  })
  const running = await serve(config)
  onClose(() => running.close())
  const ask = async (port: number, path: string, token?: string) => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
    return { status: response.status, text: await response.text() }
  }
  return { seen, ask, data: running.addresses[0]!.port, admin: running.adminAddress }
}

describe('a port of its own for the admin routes', () => {
  test('has them, and the other one has them not', async () => {
    const { seen, ask, data, admin } = await proxy({ port: 0 })
    expect(admin!.host).toBe('127.0.0.1')
    expect(admin!.port).not.toBe(data)
    expect(await ask(admin!.port, '/admin/cache/status', TOKEN)).toMatchObject({ status: 200 })
    expect(await ask(admin!.port, '/admin/cache/status')).toMatchObject({ status: 401 })
    // … nor does the origin get what is sent there by mistake: it has the token in it.
    for (const path of ['/admin/cache', '/admin/cache/status', '/admin/cache/none?x=1'])
      expect(await ask(data, path, TOKEN)).toMatchObject({ status: 404 })
    expect(seen).toEqual([])
    // What probes ask is on both.
    for (const port of [data, admin!.port]) expect((await ask(port, '/health')).status).toBe(200)
  })

  test('serves nothing else: what is cached is not to be had there', async () => {
    const { seen, ask, admin } = await proxy({ port: 0 })
    for (const path of ['/page', '/%zz', '/%ff/../x', '//admin/cache/status']) {
      const { status, text } = await ask(admin!.port, path)
      expect(status).toBe(404)
      expect(JSON.parse(text)).toMatchObject({ code: 'STRATA_NOT_FOUND' })
    }
    expect(seen).toEqual([])
  })

  test('turns away what is no HTTP', async () => {
    const { admin } = await proxy({ port: 0 })
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(admin!.port, '127.0.0.1', () => socket.end('no http at all\r\n\r\n'))
      let text = ''
      socket.setEncoding('utf8').on('data', (part: string) => (text += part))
      socket.on('close', () => resolve(text)).on('error', reject)
    })
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toContain('"code":"STRATA_BAD_REQUEST"')
  })

  test('without one they are where they were', async () => {
    const { ask, data, admin } = await proxy({})
    expect(admin).toBeUndefined()
    expect((await ask(data, '/admin/cache/status', TOKEN)).status).toBe(200)
  })

  test('that is taken: nothing is left open', async () => {
    const taken = createServer()
    await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
    onClose(() => new Promise(resolve => taken.close(resolve)))
    const { port } = taken.address() as { port: number }
    await expect(proxy({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})

test('with an issuer in the settings: its tokens, and this machine no more than any other', async () => {
  const idp = await startIssuer('ES256')
  onClose(() => idp.close())
  const { issuer } = idp
  const { ask, data } = await proxy({ token: undefined, jwt: { issuer, audience: [AUDIENCE] } })
  const status = async (token?: string) => (await ask(data, '/admin/cache/status', token)).status
  expect(await status()).toBe(401)
  expect(await status(await idp.sign({ scope: 'strata:read' }))).toBe(200)
  expect(await status(await idp.sign({ scope: 'strata:purge' }))).toBe(403)
  expect(await status(await idp.sign({ scope: 'strata:read', aud: 'another' }))).toBe(401)
})

describe('PURGE is for those who may', () => {
  test('with the scopes of the routes, and in the same audit log', async () => {
    const { ask, data } = await proxy({ methods: { purge: true } })
    const send = (method: string, path: string, token: string, fields: Record<string, string> = {}) =>
      fetch(`http://127.0.0.1:${data}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, ...fields },
      })
    const made = await fetch(`http://127.0.0.1:${data}/admin/cache/api-keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}` },
      body: JSON.stringify({ name: 'reader', scopes: ['read'] }),
    })
    const { token: reader } = (await made.json()) as { token: string }
    const refused = await send('PURGE', '/page', reader)
    expect(refused.status).toBe(403)
    expect(refused.headers.get('www-authenticate')).toContain('insufficient_scope')
    expect(refused.headers.get('x-frame-options')).toBe('DENY')
    expect((await send('PURGE', '/page', 'wrong-token')).status).toBe(401)
    expect((await send('PURGE', '/page', TOKEN)).status).toBe(200)
    // The memory backend writes no file.
    expect((await ask(data, '/admin/cache/audit', TOKEN)).status).toBe(404)
  })
})

import { afterEach, expect, test } from '@jest/globals'
import express from 'express'
import { createProxyMiddleware } from 'http-proxy-middleware'
import { createServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { rawRequest } from '../../support/raw-client.js'
import { closeAll, gate, listen, onClose, openStrata, until } from '../../support/mounted-strata.js'

afterEach(closeAll)

const HEAD = 'HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Type: text/plain\r\n'
const HALF = 'x'.repeat(500)

/** An upstream that writes bytes of its own making for each path. */
async function upstream(
  answers: Record<string, (socket: Socket) => void>,
): Promise<{ target: string; requests: string[] }> {
  const requests: string[] = []
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.on('data', data => {
      requests.push(data.toString('latin1'))
      answers[/^\w+ (\S+)/.exec(data.toString('latin1'))?.[1] ?? '']?.(socket)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onClose(() => server.close())
  return { target: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

async function proxied(target: string) {
  const strata = await openStrata()
  const app = express()
  app.use(strata.middleware())
  app.use(createProxyMiddleware({ target, changeOrigin: true }))
  return { strata, port: await listen(app) }
}

test('whole bodies, with a length and in chunks, are stored', async () => {
  const { target, requests } = await upstream({
    '/length': socket => socket.write(`${HEAD}Content-Length: 500\r\n\r\n${HALF}`),
    '/chunks': socket => socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n1f4\r\n${HALF}\r\n0\r\n\r\n`),
  })
  const { port } = await proxied(target)
  for (const path of ['/length', '/chunks']) {
    for (const cache of ['MISS', 'HIT']) {
      const answer = await rawRequest({ port, target: path })
      expect(answer).toMatchObject({ status: 200, complete: true })
      expect([answer.field('x-cache'), answer.body.toString()]).toEqual([cache, HALF])
    }
  }
  expect(requests.length).toBe(2)
})

const cuts: Record<string, (socket: Socket) => void> = {
  reset: socket => void socket.resetAndDestroy(),
  FIN: socket => void socket.end(),
}
const framings: Record<string, string> = {
  'a Content-Length body': `${HEAD}Content-Length: 1000\r\n\r\n${HALF}`,
  'a chunked body': `${HEAD}Transfer-Encoding: chunked\r\n\r\n3e8\r\n${HALF}`,
  'a chunked body between two chunks': `${HEAD}Transfer-Encoding: chunked\r\n\r\n1f4\r\n${HALF}\r\n`,
}
test.each(Object.keys(framings).flatMap(framing => Object.keys(cuts).map(cut => [framing, cut] as const)))(
  '%s cut in half by a %s is not stored, and its client sees the cut',
  async (framing, cut) => {
    let client = ''
    const { target, requests } = await upstream({
      '/x': socket => {
        socket.write(framings[framing]!)
        void until('the client has its half', () => client.includes(HALF)).then(() => cuts[cut]!(socket))
      },
    })
    const { strata, port } = await proxied(target)
    for (const round of [1, 2]) {
      client = ''
      const answer = await rawRequest({ port, target: '/x', onData: text => void (client = text) })
      expect(answer).toMatchObject({ status: 200, complete: false })
      expect(requests.length).toBe(round)
    }
    expect((await strata.operator.status()).entries).toBe(0)
  },
)

test('followers see the cut as well', async () => {
  const rest = gate()
  const { target, requests } = await upstream({
    '/x': socket => {
      socket.write(framings['a chunked body']!)
      void rest.opened.then(() => socket.resetAndDestroy())
    },
  })
  const { port } = await proxied(target)
  const texts = ['', '', '']
  const answers = texts.map((_, i) =>
    rawRequest({ port, target: '/x', onData: text => void (texts[i] = text) }),
  )
  await until('all have a half', () => texts.every(text => text.includes(HALF)))
  rest.open()
  for (const answer of await Promise.all(answers)) expect(answer.complete).toBe(false)
  expect(requests.length).toBe(1)
})

test('an upstream that breaks off before its body, or is down, is an error that is not stored', async () => {
  const { target } = await upstream({ '/x': socket => void socket.resetAndDestroy() })
  const { port, strata } = await proxied(target)
  expect((await rawRequest({ port, target: '/x' })).status).toBeGreaterThanOrEqual(500)
  const down = await proxied('http://127.0.0.1:1')
  const answer = await rawRequest({ port: down.port, target: '/x' })
  expect(answer).toMatchObject({ status: 504, complete: true })
  expect([(await strata.operator.status()).entries, (await down.strata.operator.status()).entries]).toEqual([
    0, 0,
  ])
})

test('a request that announces trailers does not end the process', async () => {
  const { target, requests } = await upstream({
    '/x': socket => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
  })
  const { port } = await proxied(target)
  for (const method of ['GET', 'POST']) {
    const answer = await rawRequest({ port, target: '/x', method, fields: [['Trailer', 'a']] })
    expect([answer.status, answer.body.toString()]).toEqual([200, 'ok'])
  }
  expect(requests.join('')).not.toMatch(/^trailer:/im)
})

import { afterEach, expect, test } from '@jest/globals'
import express from 'express'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { closeAll, onClose, openStrata } from '../../support/mounted-strata.js'

afterEach(closeAll)

async function ask(port: number, agent: http.Agent): Promise<http.IncomingMessage> {
  const request = http.request({ host: '127.0.0.1', port, path: '/x', agent }).end()
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  await once(response.resume(), 'end')
  return response
}

// node answers what comes behind the last request of a connection with 503: who keeps it must be told.
test.each(['first', 'behind others'])(
  "a server's maxRequestsPerSocket: the last hit of a connection says that it ends (%s)",
  async place => {
    const strata = await openStrata()
    const app = express()
    if (place === 'behind others') app.use(strata.middleware())
    app.use((_req, res) => void res.set('Cache-Control', 'max-age=600').send('body'))
    const server = http.createServer(place === 'first' ? strata.handler(app) : app)
    server.maxRequestsPerSocket = 3
    await once(server.listen(0, '127.0.0.1'), 'listening')
    onClose(() => server.close())
    const { port } = server.address() as AddressInfo
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    onClose(() => agent.destroy())
    const answers = []
    for (let i = 0; i < 9; i++) answers.push(await ask(port, agent))
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(9).fill(200))
    expect(answers.slice(1).every(({ headers }) => headers['x-cache'] === 'HIT')).toBe(true)
    expect(answers.map(({ headers }) => headers.connection)).toEqual(
      [1, 2, 3].flatMap(() => ['keep-alive', 'keep-alive', 'close']),
    )
    expect(answers[3]!.headers['keep-alive']).toMatch(/max=3/)
  },
)

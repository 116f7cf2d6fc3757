import { ServerResponse, type IncomingMessage } from 'node:http'
import { Writable } from 'node:stream'
import { expect, test } from '@jest/globals'
import { FirstHeads } from '../../../src/server/rendered-answers.js'

function respond(method: string, httpVersionMinor = 1) {
  const sent: Buffer[] = []
  const socket = new Writable({
    write(chunk: Buffer, _encoding, done) {
      sent.push(chunk)
      done()
    },
  })
  const res = new ServerResponse({
    method,
    httpVersionMajor: 1,
    httpVersionMinor,
    headers: {},
  } as IncomingMessage)
  res.shouldKeepAlive = true
  res.assignSocket(socket as never)
  return { res, text: () => Buffer.concat(sent).toString() }
}

test.each([
  ['GET', 'the body'],
  ['HEAD', undefined],
])('this version of node sends heads that were rendered before: %s', (method, body) => {
  const { res, text } = respond(method)
  const heads = new FirstHeads(res)
  const head = heads.render(200, 'OK', ['X-A', '1'])!
  expect(heads.send(head as never, body === undefined ? undefined : Buffer.from(body))).toBe(true)
  expect(text()).toMatch(/^HTTP\/1\.1 200 OK\r\nX-A: 1\r\nConnection: keep-alive\r\n/)
  expect(text().endsWith(`\r\n\r\n${body ?? ''}`)).toBe(true)
  expect(res).toMatchObject({ statusCode: 200, headersSent: true, writableEnded: true })
})

test('not to HTTP/1.0, and not where a field has been set or a method wrapped', () => {
  const answers = [respond('GET', 0), respond('GET'), respond('GET')]
  answers[1]!.res.setHeader('X-Theirs', '1')
  answers[2]!.res.end = answers[2]!.res.end.bind(answers[2]!.res)
  for (const { res, text } of answers) {
    const heads = new FirstHeads(res)
    expect(heads.send(heads.render(200, 'OK', []) as never, undefined)).toBe(false)
    expect(text()).toBe('')
    expect(res.headersSent).toBe(false)
  }
})

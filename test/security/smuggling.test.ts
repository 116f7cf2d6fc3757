import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { KINDS, open, type Front } from './rig/fronts.js'
import { Tally } from './rig/tally.js'
import { isWhole, send } from './rig/wire.js'

/** Bytes that two readers could cut in two ways. The canary stands where one of them sees a request: it must never become one. */

const attacks = new Tally()
afterAll(() => attacks.report())

const CANARY = 'GET /canary HTTP/1.1\r\nHost: site.example\r\nX-Smuggled: 1\r\n\r\n'
const SIZE = CANARY.length
const HEX = SIZE.toString(16)

const head = (line: string, ...fields: string[]) =>
  `${[line, 'Host: site.example', ...fields].join('\r\n')}\r\n\r\n`
const post = (...fields: string[]) => head('POST /p HTTP/1.1', ...fields)

const VARIANTS: Record<string, string> = {
  'CL.TE': post(`Content-Length: ${SIZE + 5}`, 'Transfer-Encoding: chunked') + `0\r\n\r\n${CANARY}`,
  'TE.CL': post('Transfer-Encoding: chunked', 'Content-Length: 4') + `${HEX}\r\n${CANARY}\r\n0\r\n\r\n`,
  'CL.CL': post('Content-Length: 0', `Content-Length: ${SIZE}`) + CANARY,
  'CL.CL, equal': post(`Content-Length: ${SIZE}`, `Content-Length: ${SIZE}`) + CANARY,
  'CL list': post(`Content-Length: 0, ${SIZE}`) + CANARY,
  'CL list, equal': post(`Content-Length: ${SIZE}, ${SIZE}`) + CANARY,
  'CL with a plus': post('Content-Length: +0') + CANARY,
  'CL with a minus': post('Content-Length: -1') + CANARY,
  'CL in hexadecimals': post(`Content-Length: 0x${HEX}`) + CANARY,
  'CL with zeros before': post('Content-Length: 000') + CANARY,
  'CL octal': post(`Content-Length: 0${SIZE}`) + CANARY,
  'CL with a point': post('Content-Length: 0.0') + CANARY,
  'CL with a letter behind': post('Content-Length: 0a') + CANARY,
  'CL with spaces within': post(`Content-Length: 0 ${SIZE}`) + CANARY,
  'CL beyond all bounds': post('Content-Length: 18446744073709551616') + CANARY,
  'CL empty': post('Content-Length:') + CANARY,
  'CL before a space': post(`Content-Length : ${SIZE}`) + CANARY,
  'CL behind a bare CR': post(`X: a\rContent-Length: ${SIZE}`) + CANARY,
  'CL behind a bare LF': post(`X: a\nContent-Length: ${SIZE}`) + CANARY,
  'CL behind NUL': post(`X: a\0Content-Length: ${SIZE}`) + CANARY,
  'TE, comma before': post('Transfer-Encoding: ,chunked') + `0\r\n\r\n${CANARY}`,
  'TE, comma behind': post('Transfer-Encoding: chunked,') + `0\r\n\r\n${CANARY}`,
  'TE, twice in a list': post('Transfer-Encoding: chunked, chunked') + `0\r\n\r\n${CANARY}`,
  'TE, twice': post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked') + `0\r\n\r\n${CANARY}`,
  'TE.TE, the second unknown':
    post('Transfer-Encoding: chunked', 'Transfer-Encoding: x') + `0\r\n\r\n${CANARY}`,
  'TE.TE, the first unknown':
    post('Transfer-Encoding: x', 'Transfer-Encoding: chunked') + `0\r\n\r\n${CANARY}`,
  'TE gzip, chunked': post('Transfer-Encoding: gzip, chunked') + `0\r\n\r\n${CANARY}`,
  'TE chunked, identity': post('Transfer-Encoding: chunked, identity') + `0\r\n\r\n${CANARY}`,
  'TE identity': post('Transfer-Encoding: identity', `Content-Length: ${SIZE}`) + CANARY,
  'TE quoted': post('Transfer-Encoding: "chunked"') + `0\r\n\r\n${CANARY}`,
  'TE with a parameter': post('Transfer-Encoding: chunked;a=b') + `0\r\n\r\n${CANARY}`,
  'TE before a space':
    post('Transfer-Encoding : chunked', `Content-Length: ${SIZE + 5}`) + `0\r\n\r\n${CANARY}`,
  'TE before a tab':
    post('Transfer-Encoding\t: chunked', `Content-Length: ${SIZE + 5}`) + `0\r\n\r\n${CANARY}`,
  'TE behind a vertical tab':
    post('Transfer-Encoding: \x0bchunked', `Content-Length: ${SIZE + 5}`) + `0\r\n\r\n${CANARY}`,
  'TE behind NUL': post('Transfer-Encoding: \0chunked', `Content-Length: ${SIZE + 5}`) + `0\r\n\r\n${CANARY}`,
  'TE folded': post('Transfer-Encoding:\r\n chunked', `Content-Length: ${SIZE + 5}`) + `0\r\n\r\n${CANARY}`,
  'TE in a folded line':
    post('X: a\r\n Transfer-Encoding: chunked', `Content-Length: ${SIZE + 5}`) + `0\r\n\r\n${CANARY}`,
  'TE behind a bare LF':
    post('X: a\nTransfer-Encoding: chunked', `Content-Length: ${SIZE + 5}`) + `0\r\n\r\n${CANARY}`,
  'TE behind a bare CR':
    post('X: a\rTransfer-Encoding: chunked', `Content-Length: ${SIZE + 5}`) + `0\r\n\r\n${CANARY}`,
  'TE with an underscore':
    post('Transfer_Encoding: chunked', `Content-Length: ${SIZE + 5}`) + `0\r\n\r\n${CANARY}`,
  'TE named by Connection':
    post('Connection: Transfer-Encoding', 'Transfer-Encoding: chunked', `Content-Length: ${SIZE + 5}`) +
    `0\r\n\r\n${CANARY}`,
  'CL named by Connection': post('Connection: Content-Length', `Content-Length: ${SIZE}`) + CANARY,
  'TE on HTTP/1.0':
    head('POST /p HTTP/1.0', 'Transfer-Encoding: chunked', 'Connection: keep-alive') + `0\r\n\r\n${CANARY}`,
  'TE and CL on HTTP/1.0':
    head(
      'POST /p HTTP/1.0',
      'Transfer-Encoding: chunked',
      `Content-Length: ${SIZE + 5}`,
      'Connection: keep-alive',
    ) + `0\r\n\r\n${CANARY}`,
  'HTTP/0.9': `GET /p\r\n${CANARY}`,
  'HTTP/1.2': head('GET /p HTTP/1.2', `Content-Length: ${SIZE}`) + CANARY,
  'HTTP/2 by its preface': `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${CANARY}`,
  'chunk size in hexadecimals with 0x':
    post('Transfer-Encoding: chunked') + `0x${HEX}\r\n${CANARY}\r\n0\r\n\r\n`,
  'chunk size with a minus': post('Transfer-Encoding: chunked') + `-1\r\n${CANARY}\r\n0\r\n\r\n`,
  'chunk size beyond all bounds': post('Transfer-Encoding: chunked') + `10000000000000000\r\n${CANARY}`,
  'chunk size with an underscore': post('Transfer-Encoding: chunked') + `0_${HEX}\r\n${CANARY}\r\n0\r\n\r\n`,
  'chunk line that ends with LF': post('Transfer-Encoding: chunked') + `0;a\n\r\n${CANARY}`,
  'chunk extension with LF': post('Transfer-Encoding: chunked') + `1;a\nx\r\nx\r\n0\r\n\r\n${CANARY}`,
  'chunk extension with CR': post('Transfer-Encoding: chunked') + `1;a\rb\r\nx\r\n0\r\n\r\n${CANARY}`,
  'chunk data without its line end': post('Transfer-Encoding: chunked') + `1\r\nxy0\r\n\r\n${CANARY}`,
  'chunks that end with LF LF': post('Transfer-Encoding: chunked') + `0\n\n${CANARY}`,
  'trailer that frames':
    post('Transfer-Encoding: chunked') + `0\r\nContent-Length: ${SIZE}\r\nTransfer-Encoding: x\r\n\r\n`,
  'header lines that end with LF': `POST /p HTTP/1.1\nHost: site.example\nContent-Length: ${SIZE}\n\n${CANARY}`,
  'header that ends with CR CR LF': `POST /p HTTP/1.1\r\nHost: site.example\r\nContent-Length: ${SIZE}\r\r\n\r\n${CANARY}`,
  'a space before the first field': `POST /p HTTP/1.1\r\n Host: site.example\r\nContent-Length: ${SIZE}\r\n\r\n${CANARY}`,
  'a field without a name': post(`: a`, `Content-Length: ${SIZE}`) + CANARY,
  'a field without a colon': post('abc', `Content-Length: ${SIZE}`) + CANARY,
  'GET with content': head('GET /p HTTP/1.1', `Content-Length: ${SIZE}`) + CANARY,
  'GET with chunks':
    head('GET /p HTTP/1.1', 'Transfer-Encoding: chunked') + `${HEX}\r\n${CANARY}\r\n0\r\n\r\n`,
  'HEAD with content': head('HEAD /p HTTP/1.1', `Content-Length: ${SIZE}`) + CANARY,
  'OPTIONS with content': head('OPTIONS /p HTTP/1.1', `Content-Length: ${SIZE}`) + CANARY,
  'DELETE with content': head('DELETE /p HTTP/1.1', `Content-Length: ${SIZE}`) + CANARY,
  'TRACE with content': head('TRACE /p HTTP/1.1', `Content-Length: ${SIZE}`) + CANARY,
  CONNECT: head('CONNECT site.example:80 HTTP/1.1', 'Host: site.example:80') + CANARY,
  'a method with a line end': `GET\r\n /p HTTP/1.1\r\nHost: site.example\r\nContent-Length: ${SIZE}\r\n\r\n${CANARY}`,
  'a target with CR': `GET /p\rHTTP/1.1 HTTP/1.1\r\nHost: site.example\r\nContent-Length: ${SIZE}\r\n\r\n${CANARY}`,
  'a target with a space': `GET /p x HTTP/1.1\r\nHost: site.example\r\nContent-Length: ${SIZE}\r\n\r\n${CANARY}`,
  'CR LF encoded in the target': head(
    `GET /p%20HTTP/1.1%0d%0aHost:%20x%0d%0a%0d%0a${encodeURIComponent(CANARY)} HTTP/1.1`,
  ),
  'CR LF encoded in a field': head('GET /p HTTP/1.1', `X: a%0d%0a%0d%0a${encodeURIComponent(CANARY)}`),
  'upgrade to h2c':
    head(
      'GET /p HTTP/1.1',
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAAQAAP__',
      `Content-Length: ${SIZE}`,
    ) + CANARY,
  'upgrade to h2c, chunks':
    head('POST /p HTTP/1.1', 'Connection: Upgrade', 'Upgrade: h2c', 'Transfer-Encoding: chunked') +
    `${HEX}\r\n${CANARY}\r\n0\r\n\r\n`,
  'upgrade to WebSocket with content':
    head(
      'GET /p HTTP/1.1',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      `Content-Length: ${SIZE}`,
    ) + CANARY,
  'upgrade to WebSocket of no version':
    head('GET /p HTTP/1.1', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 777') +
    CANARY,
  'Expect, content unasked': post('Expect: 100-continue', `Content-Length: ${SIZE}`) + CANARY,
  'Expect, obfuscated': post('Expect: y 100-continue', `Content-Length: ${SIZE}`) + CANARY,
  'Expect on GET': head('GET /p HTTP/1.1', 'Expect: 100-continue', `Content-Length: ${SIZE}`) + CANARY,
}

/** What comes right behind an ordinary request is one: the log can show a canary. */
const PIPELINED = head('GET /first HTTP/1.1') + CANARY

/** Requests whose end is beyond doubt by HTTP's own rules, and whose content is delimited: nothing of it is ever a request. */
describe.each(KINDS)('%s', kind => {
  let front: Front
  let control: Front
  beforeEach(async () => {
    // With the most that settings allow: WebSockets pass.
    front = await open(kind, { proxy: { upgrades: ['**'] } })
    control = await open(kind, { proxy: { upgrades: ['**'] } })
  })
  afterEach(async () => {
    await front.close()
    await control.close()
  })

  test('the canary can be seen', async () => {
    const got = await send(
      front.port,
      PIPELINED,
      text => text.split('HTTP/1.1 200').length > 2 && isWhole(text),
    )
    expect(got).toContain('200')
    expect(front.seen.map(({ line }) => line)).toContain('GET /canary')
  })

  test(`${Object.keys(VARIANTS).length} variants`, async () => {
    for (const [name, bytes] of Object.entries(VARIANTS)) {
      const before = front.seen.length
      // Another request behind it, so that what waits for more gets it.
      await send(front.port, `${bytes}${head('GET /behind HTTP/1.1', 'Connection: close')}`, undefined, {
        halfClose: true,
      })
      await attacks.victim(`${kind}: ${name}: next client`, front, control, {
        target: `/next/${encodeURIComponent(name)}`,
      })
      const lines = front.seen.slice(before).map(({ line }) => line)
      attacks.record(
        `${kind}: ${name}`,
        lines.some(line => line.includes('/canary ') || line.endsWith('/canary')) && lines.join(', '),
      )
    }
    expect(attacks.succeeded).toEqual([])
  })

  test('content of a hit is read before the next request of the connection', async () => {
    await send(front.port, `${head('GET /hit HTTP/1.1', 'Connection: close')}`)
    const body = CANARY.repeat(20)
    const bytes =
      head('GET /hit HTTP/1.1', `Content-Length: ${body.length}`) +
      body +
      head('GET /last HTTP/1.1', 'Connection: close')
    await send(front.port, bytes)
    const lines = front.seen.map(({ line }) => line)
    attacks.record(`${kind}: content of a hit`, lines.includes('GET /canary') && lines.join(', '))
    expect(lines).toContain('GET /last')
    expect(attacks.succeeded).toEqual([])
  })
})

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {string} reason
 * @property {string[]} rawHeaders
 * @property {Record<string, string>} headers
 * @property {Buffer} body
 */

/** One GET on a connection of its own. @param {number} port @param {import('./load.mjs').Request} request @returns {Promise<Answer>} */
export async function get(port, { path, headers = {} }) {
  const req = http.get({ host: '127.0.0.1', port, path, headers, agent: false })
  const [res] = await once(req, 'response')
  const chunks = []
  for await (const chunk of res) chunks.push(chunk)
  return {
    status: res.statusCode,
    reason: res.statusMessage,
    rawHeaders: res.rawHeaders,
    headers: res.headers,
    body: Buffer.concat(chunks),
  }
}

/**
 * Asks until the answer is a hit: a fill ends a moment after the client has had its body.
 * @param {number} port @param {import('./load.mjs').Request} request @returns {Promise<Answer>}
 */
export async function getHit(port, request) {
  const until = Date.now() + 10_000
  for (;;) {
    const answer = await get(port, request)
    if (answer.headers['x-cache'] === 'HIT') return answer
    if (Date.now() > until)
      throw new Error(`${request.path} does not become a hit: ${answer.status} ${answer.headers['x-cache']}`)
  }
}

/**
 * @typedef {object} Expected
 * @property {number} [status] 200
 * @property {string} [xCache] beginning of X-Cache
 * @property {string} [sha256] of the body
 * @property {number} [bytes] of the body
 */

/** @param {Answer} answer @param {Expected} expected @throws AssertionError when the answer is not what the bench is about */
export function requireAnswer(answer, { status = 200, xCache, sha256, bytes }) {
  assert.equal(answer.status, status, 'status')
  if (xCache !== undefined)
    assert.ok(answer.headers['x-cache']?.startsWith(xCache), `X-Cache: ${answer.headers['x-cache']}`)
  if (bytes !== undefined) assert.equal(answer.body.length, bytes, 'bytes of the body')
  if (sha256 !== undefined) assert.equal(digest(answer.body), sha256, 'SHA-256 of the body')
}

/** Both sides put the same on the wire but for what the time says: field names and the body. @param {Answer} a @param {Answer} b */
export function requireSame(a, b) {
  const names = ({ rawHeaders }) =>
    rawHeaders
      .filter((_, i) => i % 2 === 0)
      .map(name => name.toLowerCase())
      .sort()
  assert.equal(b.status, a.status, 'status of the baseline')
  assert.deepEqual(names(b), names(a), 'fields of the baseline')
  assert.equal(digest(b.body), digest(a.body), 'body of the baseline')
}

/** @param {Buffer} bytes */
export function digest(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}

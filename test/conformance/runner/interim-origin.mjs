// @ts-check
import { createServer, request } from 'node:http'

/**
 * @typedef {object} Step what this origin reads of a test's step
 * @property {[number, [string, string][]?][]} [interim_responses] sent before the final response
 * @property {number} [response_pause] s before anything is sent
 */

/**
 * Stands before the suite's released server and adds what that server can't do yet: interim responses and pauses, as the
 * tests' own configurations name them. Everything else passes through as it is, a cut connection too.
 *
 * @param {number} target the suite's server, port on 127.0.0.1
 */
export async function startInterimOrigin(target) {
  /** @type {Map<string, Step[]>} */
  const steps = new Map()
  const server = createServer((near, answer) => {
    const [, kind, id = ''] = /^\/(config|test)\/([^/?]+)/.exec(near.url ?? '') ?? []
    const step = kind === 'test' ? steps.get(id)?.[Number(near.headers['req-num']) - 1] : undefined
    const far = request({
      port: target,
      host: '127.0.0.1',
      method: near.method,
      path: near.url,
      headers: near.headers,
    })
    far.on('response', response => {
      const { statusCode = 0, statusMessage, rawHeaders } = response
      answer.sendDate = false
      answer.writeHead(statusCode, statusMessage, rawHeaders)
      response.on('error', () => answer.destroy())
      response.pipe(answer)
    })
    far.on('error', () => near.socket.destroy())
    if (kind === 'config') readConfig(near, config => steps.set(id, config))
    const forward = () => {
      for (const interim of step?.interim_responses ?? []) sendInterim(answer, interim)
      near.pipe(far)
    }
    if (step?.response_pause === undefined) forward()
    else setTimeout(forward, step.response_pause * 1000)
  })
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', () => resolve(undefined))
  })
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const stop = () => {
    server.closeAllConnections()
    return new Promise(resolve => server.close(() => resolve(undefined)))
  }
  return { port, stop }
}

/** @param {import('node:http').ServerResponse} answer @param {[number, [string, string][]?]} interim */
function sendInterim(answer, [status, fields = []]) {
  if (status === 102) answer.writeProcessing()
  else if (status === 103) answer.writeEarlyHints(Object.fromEntries(fields))
  else throw new Error(`the origin can't send ${status}`)
}

/** @param {import('node:http').IncomingMessage} message piped elsewhere too @param {(steps: Step[]) => void} use */
function readConfig(message, use) {
  /** @type {Buffer[]} */
  const chunks = []
  message.on('data', chunk => chunks.push(chunk))
  message.on('end', () => use(JSON.parse(Buffer.concat(chunks).toString())))
}

// @ts-check
import http from 'node:http'
import { isDeepStrictEqual } from 'node:util'

/**
 * The suite's released client can't look at interim responses, and can't expect "some error". Both are the fetch's to see,
 * and the client is given its fetch: this one adds the two for steps of our own tests and leaves all others alone.
 *
 * @typedef {[number, [string, string][]?]} Interim
 *
 * @typedef {object} Step
 * @property {Interim[]} [expected_interim_responses]
 * @property {boolean} [expects_error] the status has to be 5xx
 * @property {number} [expected_status]
 */

/** Fields of node:http's own making in an interim response's raw list. @param {string[]} raw @returns {[string, string][]} */
function pairs(raw) {
  /** @type {[string, string][]} */
  const fields = []
  for (let i = 0; i < raw.length; i += 2) fields.push([String(raw[i]).toLowerCase(), String(raw[i + 1])])
  return fields
}

/**
 * @param {typeof globalThis.fetch} fetch node-fetch: it takes an agent, and sends with node:http
 * @param {{ id: string, requests: Step[] }[]} tests
 * @returns {typeof globalThis.fetch}
 */
export function extendedFetch(fetch, tests) {
  const byId = new Map(tests.map(test => [test.id, test.requests]))
  return async (url, init) => {
    const headers = new Map(/** @type {[string, string][]} */ (init?.headers ?? []))
    const step = byId.get(headers.get('Test-ID') ?? '')?.[Number(headers.get('Req-Num')) - 1]
    if (step?.expected_interim_responses !== undefined)
      return watch(fetch, url, init, step.expected_interim_responses)
    const response = await fetch(url, init)
    // The client compares with this right after: an error is as it should be, anything else is not 504.
    if (step?.expects_error === true) step.expected_status = response.status >= 500 ? response.status : 504
    return response
  }
}

/** @param {typeof globalThis.fetch} fetch @param {string | URL | Request} url @param {RequestInit | undefined} init @param {Interim[]} expected */
async function watch(fetch, url, init, expected) {
  /** @type {Interim[]} */
  const seen = []
  const agent = new WatchingAgent(information => seen.push(information))
  const response = await fetch(url, /** @type {RequestInit} */ ({ ...init, agent }))
  const wanted = expected.map(([status, fields = []]) => [status, fields])
  if (!isDeepStrictEqual(seen, wanted)) {
    const error = new Error(`interim responses are ${JSON.stringify(seen)}, not ${JSON.stringify(wanted)}`)
    error.name = 'Assertion'
    throw error
  }
  return response
}

/** An agent that watches the requests which it carries. */
class WatchingAgent extends http.Agent {
  /** @param {(interim: Interim) => void} see */
  constructor(see) {
    super()
    this.see = see
  }

  /** @param {http.ClientRequest} request @param {...unknown} rest */
  addRequest(request, ...rest) {
    request.on('information', info => this.see([info.statusCode, pairs(info.rawHeaders)]))
    // @ts-expect-error: the agent's entry point for requests is not in its types
    super.addRequest(request, ...rest)
  }
}

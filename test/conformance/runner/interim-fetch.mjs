// @ts-check
import { isDeepStrictEqual } from 'node:util'

/**
 * Wraps the suite's fetch for steps that name `expected_interim_responses`: node:http shows them, fetch does not. The
 * request itself still goes out once, through the given fetch's own client, whose 'information' events are read.
 *
 * @typedef {[number, [string, string][]?]} Interim
 */

import http from 'node:http'

/** Fields of node:http's own making in an interim response's raw list. @param {string[]} raw @returns {[string, string][]} */
function pairs(raw) {
  /** @type {[string, string][]} */
  const fields = []
  for (let i = 0; i < raw.length; i += 2) fields.push([String(raw[i]).toLowerCase(), String(raw[i + 1])])
  return fields
}

/**
 * @param {typeof globalThis.fetch} fetch node-fetch: it takes an agent, and sends with node:http
 * @param {{ id: string, requests: { expected_interim_responses?: Interim[] }[] }[]} tests
 * @returns {typeof globalThis.fetch}
 */
export function interimFetch(fetch, tests) {
  const byId = new Map(tests.map(test => [test.id, test.requests]))
  return /** @type {typeof globalThis.fetch} */ (
    async (url, init) => {
      const headers = new Map(/** @type {[string, string][]} */ (init?.headers ?? []))
      const step = byId.get(headers.get('Test-ID') ?? '')?.[Number(headers.get('Req-Num')) - 1]
      const expected = step?.expected_interim_responses
      if (expected === undefined) return fetch(url, init)
      /** @type {Interim[]} */
      const seen = []
      const agent = new WatchingAgent(information => seen.push(information))
      const response = await fetch(url, /** @type {RequestInit} */ ({ ...init, agent }))
      const wanted = expected.map(([status, fields = []]) => [status, fields])
      if (!isDeepStrictEqual(seen, wanted)) {
        const error = new Error(
          `interim responses are ${JSON.stringify(seen)}, not ${JSON.stringify(wanted)}`,
        )
        error.name = 'Assertion'
        throw error
      }
      return response
    }
  )
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

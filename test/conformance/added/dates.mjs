import { reused, stored } from './steps.mjs'

const MONTH = 30 * 24 * 60 * 60

/** A stored response is answered with the field as it came. @param {string} id @param {string} kind @param {'Date' | 'Expires'} name @param {number} seconds */
function untouched(id, kind, name, seconds) {
  return {
    id,
    kind,
    name: `RFC 9110 §6.6.1: ${name} of a stored response is left alone`,
    depends_on: ['freshness-expires-future'],
    requests: [
      stored([
        ['Expires', MONTH],
        ['Date', 0],
      ]),
      reused({ expected_response_headers: [[name, seconds]] }),
    ],
  }
}

export default {
  name: 'Dates',
  id: 'dates',
  description:
    'RFC 9110 §6.6.1 and RFC 9111 §5.3: what says when a response was made, and how long it lasts, stays.',
  tests: [
    untouched('other-date-update-expires', 'required', 'Date', 0),
    untouched('other-date-update-expires-update', 'check', 'Expires', MONTH),
  ],
}

/**
 * Tests of the npm release that ask for something else than the suite's current version and the RFCs do: they are run in
 * these forms of ours (`--as-released` runs the release's own). Id, kind and dependencies stay the release's.
 *
 * - Age: the release (2020) has it that an invalid Age, or more than one, makes a response stale. RFC 9111 §5.1 (2022) has
 *   the first member count, and an invalid one ignored.
 * - Expires: the release asks, as an open question, whether odd dates are taken. The current version requires that what is
 *   no date counts as past (RFC 9111 §5.3), and two dates of the release that lack their comma have one.
 * - Stale answers: the release wants the number of the origin's second request in an answer that the origin never gave (it
 *   cuts the connection), so that no proxy can pass; see the suite's issue 143.
 */
import { fetched, reused, stored } from '../added/steps.mjs'

/** @param {string} id @param {string[]} ages each on a line of its own */
function freshDespite(id, ...ages) {
  const lines = ages.map(age => /** @type {import('../added/steps.mjs').Field} */ (['Age', age, false]))
  const name = `RFC 9111 §5.1: fresh with Age ${ages.map(age => `"${age}"`).join(' and ')}`
  return {
    id,
    name,
    requests: [stored([['Date', 0], ['Cache-Control', 'max-age=10000'], ...lines]), reused()],
  }
}

/** @param {string} id @param {() => object} then @param {string[]} dates each on a line of its own */
function expires(id, then, ...dates) {
  const lines = dates.map(
    date => /** @type {import('../added/steps.mjs').Field} */ (['Expires', date, false]),
  )
  const name = `RFC 9111 §5.3: Expires ${dates.map(date => `"${date}"`).join(' and ')}`
  return { id: `freshness-expires-${id}`, name, requests: [stored([...lines, ['Date', 0]]), then()] }
}

/** The origin cuts the connection: the answer has to be an error, not the stored response. @param {string} id @param {string} control */
function errorWith(id, control) {
  const then = {
    disconnect: true,
    expects_error: true,
    check_body: false,
    expected_response_headers_missing: ['server-request-count'],
  }
  const name = `RFC 9111 §4.2.4: no stale answer with ${control} when the origin cuts the connection`
  return { id: `stale-close-${id}`, name, requests: [stored([['Cache-Control', control]]), then] }
}

export default [
  {
    name: 'Age Parsing',
    id: 'age-parse',
    tests: [
      freshDespite('age-parse-nonnumeric', 'abc'),
      freshDespite('age-parse-negative', '-72000'),
      freshDespite('age-parse-float', '72000.0'),
      freshDespite('age-parse-prefix-twoline', '0', '72000'),
      freshDespite('age-parse-dup-0', '0, 0'),
      freshDespite('age-parse-dup-0-twoline', '0', '0'),
      freshDespite('age-parse-dup-old', '3600', '3600'),
    ],
  },
  {
    name: 'Expires Parsing',
    id: 'expires-parse',
    tests: [
      expires('32bit', reused, 'Tue, 19 Jan 2038 14:14:08 GMT'),
      expires('far-future', reused, 'Sun, 21 Nov 2286 04:46:39 GMT'),
      expires('invalid-utc', fetched, 'Thu, 18 Aug 2050 02:01:18 UTC'),
      expires('invalid-aest', fetched, 'Thu, 18 Aug 2050 02:01:18 AEST'),
      expires('invalid-2-digit-year', fetched, 'Thu, 18 Aug 50 02:01:18 GMT'),
      expires('invalid-no-comma', fetched, 'Thu 18 Aug 2050 02:01:18 GMT'),
      expires('invalid-multiple-spaces', fetched, 'Thu, 18  Aug  2050 02:01:18 GMT'),
      expires('invalid-date-dashes', fetched, 'Thu, 18-Aug-2050 02:01:18 GMT'),
      expires('invalid-time-periods', fetched, 'Thu, 18 Aug 2050 02.01.18 GMT'),
      expires('invalid-1-digit-hour', fetched, 'Thu, 18 Aug 2050 2:01:18 GMT'),
      expires(
        'invalid-multiple-lines',
        fetched,
        'Thu, 18 Aug 2050 2:01:18 GMT',
        'Thu, 18 Aug 2050 2:01:19 GMT',
      ),
    ],
  },
  {
    name: 'Serving Stale',
    id: 'stale',
    tests: [
      errorWith('must-revalidate', 'max-age=2, must-revalidate'),
      errorWith('proxy-revalidate', 'max-age=2, proxy-revalidate'),
      errorWith('no-cache', 'max-age=2, no-cache'),
      errorWith('s-maxage=2', 'max-age=2, s-maxage=2'),
    ],
  },
]

import { fetched, reused, stored } from './steps.mjs'

/** @typedef {import('./steps.mjs').Field} Field */

/** RFC 9213 §2.1: an intermediary may take the field off, so the client need not see it. @param {string} value @returns {Field} */
const cdn = value => ['CDN-Cache-Control', value, false]
/** @param {string} value @returns {Field} */
const cc = value => ['Cache-Control', value]
/** @param {number} seconds from now @returns {Field[]} */
const expires = seconds => [
  ['Expires', seconds],
  ['Date', 0],
]

/**
 * @param {string} id
 * @param {'required' | 'optimal' | 'check'} kind
 * @param {string} name
 * @param {Field[]} fields of the first response
 * @param {(more?: object) => object} then what the second request must meet
 * @param {string[]} [needs]
 */
function row(id, kind, name, fields, then, needs = ['cdn-max-age']) {
  return { id, kind, name, cdn_only: true, depends_on: needs, requests: [stored(fields), then()] }
}

/** The same, looking at fields of the second response. @param {string} id @param {string} name @param {Field[]} fields @param {unknown[]} expected */
function look(id, name, fields, expected) {
  const requests = [stored(fields), { expected_response_headers: expected }]
  return { id, kind: 'check', name, cdn_only: true, depends_on: ['cdn-max-age'], requests }
}

/** The targeted lifetime is longer than the one for everybody. @returns {Field[]} */
const longer = () => [cc('max-age=1'), ['CDN-Cache-Control', 'max-age=10000'], ['Date', 0]]

export default {
  name: 'CDN-Cache-Control',
  id: 'cdn-cache-control',
  description:
    'RFC 9213 §2.2: a valid, non-empty targeted field is used instead of Cache-Control and Expires.',
  tests: [
    row('cdn-max-age', 'optimal', 'max-age alone makes it fresh', [cdn('max-age=3600')], reused, [
      'freshness-none',
    ]),
    row('cdn-max-age-max', 'optimal', 'max-age of 2^31', [cdn('max-age=2147483648')], reused, [
      'freshness-none',
    ]),
    row('cdn-max-age-max-plus', 'optimal', 'max-age beyond 2^31', [cdn('max-age=99999999999')], reused, [
      'freshness-none',
    ]),
    row('cdn-max-age-0', 'required', 'max-age=0 is stale at once', [cdn('max-age=0')], fetched),
    row(
      'cdn-max-age-extension',
      'optimal',
      'an unknown directive is ignored',
      [cdn('foobar, max-age=3600')],
      reused,
    ),
    row(
      'cdn-max-age-age',
      'required',
      'an Age beyond the targeted max-age is stale',
      [['Date', 0], cdn('max-age=3600'), ['Age', '7200']],
      fetched,
    ),
    row(
      'cdn-max-age-expires',
      'optimal',
      'max-age wins over a past Expires',
      [cdn('max-age=3600'), ...expires(-10000)],
      reused,
    ),
    row(
      'cdn-max-age-cc-max-age-invalid-expires',
      'optimal',
      'max-age wins over an invalid Expires',
      [cdn('max-age=3600'), ['Expires', '0', false], ['Date', 0]],
      reused,
    ),
    row(
      'cdn-max-age-0-expires',
      'required',
      'max-age=0 wins over a future Expires',
      [cdn('max-age=0'), ...expires(10000)],
      fetched,
    ),
    row(
      'cdn-max-age-short-cc-max-age',
      'optimal',
      'a longer targeted max-age wins over Cache-Control',
      [cc('max-age=1'), cdn('max-age=3600')],
      reused,
    ),
    row(
      'cdn-max-age-long-cc-max-age',
      'required',
      'a shorter targeted max-age wins over Cache-Control',
      [cc('max-age=3600'), cdn('max-age=1')],
      fetched,
    ),
    row(
      'cdn-private',
      'required',
      'private wins over fresh Cache-Control and Expires',
      [['CDN-Cache-Control', 'private'], cc('max-age=10000'), ...expires(10000)],
      fetched,
      [],
    ),
    row(
      'cdn-no-cache',
      'required',
      'no-cache wins over fresh Cache-Control and Expires',
      [['CDN-Cache-Control', 'no-cache'], cc('max-age=10000'), ...expires(10000)],
      fetched,
      [],
    ),
    row(
      'cdn-no-store-cc-fresh',
      'required',
      'no-store wins over fresh Cache-Control and Expires',
      [cc('max-age=10000'), cdn('no-store'), ...expires(10000)],
      fetched,
      ['freshness-none'],
    ),
    row(
      'cdn-fresh-cc-nostore',
      'required',
      'a fresh targeted field wins over Cache-Control: no-store',
      [cc('no-store'), cdn('max-age=10000')],
      reused,
      ['freshness-none'],
    ),
    row(
      'cdn-cc-invalid-sh-type-unknown',
      'required',
      'RFC 9213 §2.2: a field that is no Structured Field is ignored',
      [cdn('max-age=10000, &&&&&'), cc('no-store')],
      fetched,
    ),
    row(
      'cdn-cc-invalid-sh-type-wrong',
      'required',
      'a max-age that is no Integer is not used',
      [cdn('max-age="10000"'), cc('no-store')],
      fetched,
    ),
    row(
      'cdn-max-age-space-before-equals',
      'check',
      'a space before = makes it no Structured Field',
      [cc('max-age=1'), cdn('max-age =100')],
      fetched,
    ),
    row(
      'cdn-max-age-space-after-equals',
      'check',
      'a space after = makes it no Structured Field',
      [cc('max-age=1'), cdn('max-age= 100')],
      fetched,
    ),
    row(
      'cdn-max-age-case-insensitive',
      'check',
      'is MaX-aGe taken as max-age?',
      [cdn('MaX-aGe=3600')],
      reused,
    ),
    {
      id: 'cdn-remove-header',
      kind: 'check',
      name: 'is the field forwarded?',
      cdn_only: true,
      requests: [
        {
          response_headers: [cc('max-age=10000'), cdn('foo'), ...expires(10000)],
          expected_response_headers: [['CDN-Cache-Control', 'foo']],
        },
      ],
    },
    look('cdn-remove-age-exceed', 'is Age sent beyond the lifetime for everybody?', longer(), ['Age']),
    look('cdn-date-update-exceed', 'is Date left alone beyond it?', longer(), [['Date', 0]]),
    look(
      'cdn-expires-update-exceed',
      'is Expires left alone beyond it?',
      [...longer(), ['Expires', 1]],
      [['Expires', 1]],
    ),
  ],
}

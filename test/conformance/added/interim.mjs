import { reused, stored } from './steps.mjs'

/**
 * Beyond the suite's release, whose server sends no interim responses and whose client sees none: the runner's own
 * origin and client for this suite read `interim_responses` and `expected_interim_responses`.
 */

/** @typedef {[number, [string, string][]?]} Interim */

/** @returns {Interim} */
const hints = () => [
  103,
  [
    ['link', '</styles.css>; rel=preload; as=style'],
    ['x-my-header', 'test'],
  ],
]

/** A response that can be stored, after interim ones that the client must see. @param {Interim[]} interim @param {object} [more] */
function after(interim, more = {}) {
  const fields = /** @type {import('./steps.mjs').Field[]} */ ([
    ['Cache-Control', 'max-age=100000'],
    ['Date', 0],
  ])
  return stored(fields, {
    setup: false,
    interim_responses: interim,
    expected_interim_responses: interim,
    ...more,
  })
}

const unmerged = { expected_response_headers_missing: ['link', 'x-my-header'] }

export default {
  name: 'Interim responses',
  id: 'interim',
  description: 'RFC 9110 §15.2: a proxy forwards 1xx responses; RFC 9111 §3: only final ones are stored.',
  tests: [
    {
      id: 'interim-102',
      kind: 'optimal',
      name: '102 is passed through, the final response stored',
      requests: [after([[102]]), reused()],
    },
    {
      id: 'interim-103',
      kind: 'optimal',
      name: '103 is passed through with its fields, the final response stored',
      requests: [after([hints()]), reused()],
    },
    {
      id: 'interim-many',
      ours: true,
      kind: 'optimal',
      name: 'several are passed through in their order',
      requests: [
        after([[102], hints(), [103, [['link', '</script.js>; rel=preload; as=script']]]]),
        reused(),
      ],
    },
    {
      id: 'interim-not-cached',
      kind: 'required',
      name: 'they are not stored',
      requests: [after([hints()]), reused({ expected_interim_responses: [] })],
    },
    {
      id: 'interim-no-header-reuse',
      kind: 'optimal',
      name: 'their fields are in neither final response',
      requests: [after([hints()], unmerged), reused(unmerged)],
    },
  ],
}

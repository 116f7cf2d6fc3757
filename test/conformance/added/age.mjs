import { fetched, stored } from './steps.mjs'

/** @param {string} id @param {string} age */
function large(id, age) {
  return {
    id,
    name: `RFC 9111 §1.2.2: an Age of ${age} is stale`,
    depends_on: ['freshness-max-age-age'],
    requests: [
      stored([
        ['Date', 0],
        ['Cache-Control', 'max-age=3600'],
        ['Age', age, false],
      ]),
      fetched(),
    ],
  }
}

export default {
  name: 'Age',
  id: 'age',
  description:
    'RFC 9111 §1.2.2: delta-seconds beyond 2^31 count as that; §4.2.3: a slow origin makes a response older.',
  tests: [
    large('age-parse-large-minus-one', '2147483647'),
    large('age-parse-large', '2147483648'),
    large('age-parse-larger', '2147483649'),
    { ...large('age-parse-64bit', '18446744073709551617'), ours: true },
    {
      id: 'other-age-delay',
      kind: 'check',
      name: 'is there an Age when the origin took long?',
      requests: [
        {
          response_headers: [
            ['Cache-Control', 'max-age=3600'],
            ['Date', 0],
          ],
          response_pause: 5,
          expected_response_headers: [['age', '>', 0]],
        },
      ],
    },
  ],
}

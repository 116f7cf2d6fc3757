import { fetched, reused, stored } from './steps.mjs'

const needs = ['freshness-max-age-stale']

/** Stale within the window, but something forbids it. @param {string} id @param {string} directives @param {string} why */
function forbidden(id, directives, why) {
  return {
    id: `stale-while-revalidate-${id}`,
    ours: true,
    name: `not with ${directives} (${why})`,
    depends_on: ['stale-while-revalidate'],
    requests: [
      stored([['Cache-Control', `${directives}, stale-while-revalidate=3600`]]),
      // The origin must be asked before the answer: a stale one would carry the number of the first request.
      fetched(),
    ],
  }
}

export default {
  name: 'Stale while revalidate',
  id: 'stale-while-revalidate',
  description: 'RFC 5861 §3, and what RFC 9111 §4.2.4 and §5.2.2 let forbid it.',
  tests: [
    {
      id: 'freshness-max-age-stale',
      name: 'a response past its max-age is not reused',
      depends_on: ['freshness-max-age'],
      requests: [stored([['Cache-Control', 'max-age=2']]), fetched()],
    },
    {
      id: 'stale-while-revalidate',
      kind: 'optimal',
      name: 'within the window the stale response is the answer',
      depends_on: needs,
      requests: [
        stored([
          ['Cache-Control', 'max-age=1, stale-while-revalidate=3600'],
          ['ETag', '"abc"'],
        ]),
        reused(),
      ],
    },
    {
      id: 'stale-while-revalidate-window',
      name: 'beyond the window it is not',
      depends_on: ['stale-while-revalidate'],
      requests: [
        stored([
          ['Cache-Control', 'max-age=1, stale-while-revalidate=4'],
          ['ETag', '"abc"'],
        ]),
        reused({
          setup: true,
          pause_after: true,
          response_headers: [
            ['Cache-Control', 'no-cache', false],
            ['ETag', '"def"', false],
          ],
        }),
        { expected_response_headers: [['client-request-count', '3']] },
      ],
    },
    {
      id: 'stale-while-revalidate-refresh',
      ours: true,
      kind: 'optimal',
      name: 'the refresh in the background serves the next request',
      depends_on: ['stale-while-revalidate'],
      requests: [
        stored([['Cache-Control', 'max-age=1, stale-while-revalidate=3600']]),
        reused({
          setup: true,
          pause_after: true,
          response_headers: [
            ['Cache-Control', 'max-age=3600', false],
            ['A', 'refreshed', false],
          ],
        }),
        reused({ expected_response_headers: [['A', 'refreshed']] }),
      ],
    },
    forbidden('must-revalidate', 'max-age=1, must-revalidate', 'RFC 9111 §5.2.2.2'),
    forbidden('proxy-revalidate', 'max-age=1, proxy-revalidate', 'RFC 9111 §5.2.2.8'),
    forbidden('s-maxage', 's-maxage=1', 'RFC 9111 §5.2.2.10'),
    forbidden('no-cache', 'max-age=3600, no-cache', 'RFC 9111 §5.2.2.4'),
  ],
}

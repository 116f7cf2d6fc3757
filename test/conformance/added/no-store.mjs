import { fetched, reused, stored } from './steps.mjs'

/** A newer response that may not be stored follows a stored one. @param {string} id @param {string} newer */
function follows(id, newer) {
  return {
    id,
    name: `a stored response stays in use beside a newer one with ${newer}`,
    depends_on: ['cc-resp-no-store'],
    requests: [
      stored([
        ['Cache-Control', 'max-age=10000'],
        ['Expires', 10000],
        ['Date', 0],
        ['A', '1'],
      ]),
      stored([
        ['Cache-Control', newer],
        ['Date', 0],
        ['A', '2'],
      ]),
      reused({ expected_response_headers: [['a', '1']] }),
    ],
  }
}

/** @param {string} id @param {'required' | 'optimal'} kind @param {[number, string]} status @param {object} then @param {string[]} needs */
function understood(id, kind, status, then, needs) {
  const first = {
    response_status: status,
    response_headers: [['Cache-Control', 'max-age=3600, no-store, must-understand']],
  }
  return {
    id,
    kind,
    ours: id !== 'status-200-must-understand',
    name: `RFC 9111 §5.2.2.3: must-understand with no-store on ${status[0]}`,
    depends_on: needs,
    requests: [{ ...first, setup: true }, then],
  }
}

export default {
  name: 'no-store and must-understand',
  id: 'no-store',
  description: 'RFC 9111 §5.2.2.5 and §5.2.2.3.',
  tests: [
    follows('cc-resp-no-store-old-new', 'no-store'),
    follows('cc-resp-no-store-old-max-age', 'no-store, max-age=0'),
    understood('status-200-must-understand', 'optimal', [200, 'OK'], reused(), [
      'status-200-fresh',
      'cc-resp-no-store-fresh',
    ]),
    understood(
      'status-404-must-understand',
      'optimal',
      [404, 'Not Found'],
      reused({ expected_status: 404 }),
      ['status-404-fresh', 'cc-resp-no-store-fresh'],
    ),
    // The origin answers 200 to the second request: a stored 299 would show.
    understood('status-299-must-understand', 'required', [299, 'Whatever'], fetched(), ['status-299-fresh']),
  ],
}

/**
 * Steps of a test. Each is a new object: the suite writes into what it is given.
 *
 * A response field is `[name, value, checked?]`; a number as the value of a date field is seconds from now; `false` as
 * the third member means that the client need not see it as it was sent.
 *
 * @typedef {[string, string | number, boolean?]} Field
 */

/** The origin answers with these fields; 3 s pass before the next step. @param {Field[]} fields @param {object} [more] */
export function stored(fields, more = {}) {
  return { response_headers: fields, setup: true, pause_after: true, ...more }
}

/** Must come from the cache. @param {object} [more] */
export function reused(more = {}) {
  return { expected_type: 'cached', ...more }
}

/** Must come from the origin. @param {object} [more] */
export function fetched(more = {}) {
  return { expected_type: 'not_cached', ...more }
}

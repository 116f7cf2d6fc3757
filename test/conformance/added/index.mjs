/**
 * What the public suite's current version asks and its npm release does not: tests of our own, from the RFC texts, in
 * the suite's format and run by its client against its server. Where the current suite has a test of the same question,
 * ours has its id, so that the two scores can be compared line by line.
 */
import age from './age.mjs'
import cdn from './cdn-cache-control.mjs'
import dates from './dates.mjs'
import interim from './interim.mjs'
import noStore from './no-store.mjs'
import staleWhileRevalidate from './stale-while-revalidate.mjs'

export default [cdn, staleWhileRevalidate, noStore, interim, age, dates]

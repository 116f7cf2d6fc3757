// @ts-check
import { failures } from './score.mjs'

/**
 * @typedef {import('./score.mjs').Score['tally']} Tallies
 * @typedef {{ label: string, store: string, scored: import('./score.mjs').Score }} Run
 */

/** @param {string} label @param {string} store @param {Tallies} tally */
function line(label, store, { required, optimal, check }) {
  return (
    `${label} ${store}: required ${required.passed}/${required.total} ` +
    `optimal ${optimal.passed}/${optimal.total} check-yes ${check.passed}/${check.total}`
  )
}

/**
 * The lines of one run: the score, then every required or optimal test that did not pass, with its reason.
 *
 * @param {Run} run
 * @returns {string[]}
 */
export function reportLines({ label, store, scored }) {
  const lines = [line(label, store, scored.tally)]
  for (const { kind, id, reason } of failures(scored)) lines.push(`  ${kind} ${id}: ${reason}`)
  return lines
}

/**
 * The score of the suite's current version, as far as its release and our added tests of the same questions show it:
 * their tests together, without those that only we ask.
 *
 * @param {Run[]} runs of one store
 * @returns {Tallies}
 */
export function currentTally(runs) {
  /** @type {Tallies} */
  const tally = {
    required: { passed: 0, total: 0 },
    optimal: { passed: 0, total: 0 },
    check: { passed: 0, total: 0 },
  }
  for (const { kind, outcome, ours } of runs.flatMap(run => run.scored.tests)) {
    if (ours) continue
    tally[kind].total++
    if (outcome === 'pass') tally[kind].passed++
  }
  return tally
}

/** @param {string} store @param {Run[]} runs of that store */
export function currentLine(store, runs) {
  return line('current', store, currentTally(runs))
}

import { failures } from './score.mjs'

/**
 * The lines of one run: the score, then every required or optimal test that did not pass, with its reason.
 *
 * @param {string} label `conformance` or `added`
 * @param {string} store
 * @param {import('./score.mjs').Score} scored
 * @returns {string[]}
 */
export function reportLines(label, store, scored) {
  const { required, optimal, check } = scored.tally
  const lines = [
    `${label} ${store}: required ${required.passed}/${required.total} ` +
      `optimal ${optimal.passed}/${optimal.total} check-yes ${check.passed}/${check.total}`,
  ]
  for (const { kind, id, reason } of failures(scored)) lines.push(`  ${kind} ${id}: ${reason}`)
  return lines
}

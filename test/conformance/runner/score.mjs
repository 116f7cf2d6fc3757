// @ts-check
/**
 * @typedef {'pass' | 'fail' | 'setup' | 'dependency' | 'untested'} Outcome
 *
 * @typedef {object} Scored
 * @property {string} id
 * @property {string} name
 * @property {string} group
 * @property {'required' | 'optimal' | 'check'} kind
 * @property {Outcome} outcome
 * @property {boolean} revised run in our form of it
 * @property {boolean} ours in no version of the public suite
 * @property {string} reason empty for what passed
 *
 * @typedef {object} Tally
 * @property {number} passed
 * @property {number} total
 *
 * @typedef {object} Score
 * @property {Scored[]} tests
 * @property {Record<'required' | 'optimal' | 'check', Tally>} tally
 */

/**
 * A test counts as passed only if everything that it depends on passed too (also what is no longer counted itself).
 *
 * @param {import('./suite.mjs').TestGroup[]} groups
 * @param {Record<string, import('./run-client.mjs').RawResult>} results
 * @param {Record<string, string>} kinds overrides by id; `dropped` leaves a test out of the counts
 * @returns {Score}
 */
export function score(groups, results, kinds) {
  const byId = new Map(groups.flatMap(group => group.tests.map(test => [test.id, test])))
  /** @type {Map<string, [Outcome, string]>} */
  const outcomes = new Map()

  /** @param {string} id @returns {[Outcome, string]} */
  const outcomeOf = id => {
    const known = outcomes.get(id)
    if (known !== undefined) return known
    outcomes.set(id, ['dependency', `depends on itself through ${id}`])
    const outcome = judge(id)
    outcomes.set(id, outcome)
    return outcome
  }

  /** @param {string} id @returns {[Outcome, string]} */
  const judge = id => {
    const broken = (byId.get(id)?.depends_on ?? []).find(needed => outcomeOf(needed)[0] !== 'pass')
    const result = results[id]
    if (result === undefined) return ['untested', 'was not run']
    if (broken !== undefined) return ['dependency', `depends on ${broken}, which did not pass`]
    if (result === true) return ['pass', '']
    const [type, message] = result
    return type === 'Setup'
      ? ['setup', `setup: ${message}`]
      : ['fail', type === 'Assertion' ? message : `${type}: ${message}`]
  }

  /** @type {Score} */
  const scored = { tests: [], tally: { required: empty(), optimal: empty(), check: empty() } }
  for (const group of groups) {
    for (const { id, name, kind: own, ours = false, revised = false } of group.tests) {
      const kind = kinds[id] ?? own ?? 'required'
      if (kind === 'dropped') continue
      if (kind !== 'required' && kind !== 'optimal' && kind !== 'check')
        throw new Error(`${id}: unknown kind ${kind}`)
      const [outcome, reason] = outcomeOf(id)
      scored.tests.push({ id, name, group: group.name, kind, ours, revised, outcome, reason })
      scored.tally[kind].total++
      if (outcome === 'pass') scored.tally[kind].passed++
    }
  }
  return scored
}

/** @returns {Tally} */
function empty() {
  return { passed: 0, total: 0 }
}

/** Required and optimal tests that did not pass. @param {Score} scored */
export function failures(scored) {
  return scored.tests.filter(test => test.kind !== 'check' && test.outcome !== 'pass')
}

/** What a test needs, itself last, each once. @param {import('./suite.mjs').TestGroup[]} groups @param {string} id */
export function withDependencies(groups, id) {
  const byId = new Map(groups.flatMap(group => group.tests.map(test => [test.id, test])))
  /** @type {Set<string>} */
  const ids = new Set()
  /** @param {string} next */
  const add = next => {
    const test = byId.get(next)
    if (test === undefined) throw new Error(`there is no test "${next}"`)
    for (const needed of test.depends_on ?? []) if (!ids.has(needed)) add(needed)
    ids.add(next)
  }
  add(id)
  return [...ids]
}

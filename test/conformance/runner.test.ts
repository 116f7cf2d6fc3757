import { describe, expect, test } from '@jest/globals'
import { page } from './runner/docs.mjs'
import { readOptions, STORES } from './runner/options.mjs'
import { currentLine, reportLines } from './runner/report.mjs'
import { failures, score, withDependencies } from './runner/score.mjs'
import { addedSuite, releasedSuite } from './runner/suite.mjs'

const group = (
  ...tests: { id: string; kind?: 'required' | 'optimal' | 'check'; depends_on?: string[]; ours?: boolean }[]
) => [{ id: 'group', name: 'Group', tests: tests.map(one => ({ name: one.id, ...one })) }]

describe('score', () => {
  const groups = group(
    { id: 'base', kind: 'check' },
    { id: 'must', depends_on: ['base'] },
    { id: 'may', kind: 'optimal', depends_on: ['must'] },
    { id: 'odd' },
  )

  test('everything passes', () => {
    const { tally } = score(groups, { base: true, must: true, may: true, odd: true }, {})
    expect(tally).toEqual({
      required: { passed: 2, total: 2 },
      optimal: { passed: 1, total: 1 },
      check: { passed: 1, total: 1 },
    })
  })

  test('a test counts only if all that it depends on passed, at any depth', () => {
    const scored = score(groups, { base: ['Assertion', 'no'], must: true, may: true, odd: true }, {})
    expect(scored.tally.required.passed).toBe(1)
    expect(failures(scored).map(({ id, outcome, reason }) => [id, outcome, reason])).toEqual([
      ['must', 'dependency', 'depends on base, which did not pass'],
      ['may', 'dependency', 'depends on must, which did not pass'],
    ])
  })

  test('kinds are overridden, and what was dropped still counts as a dependency', () => {
    const scored = score(
      groups,
      { base: true, must: ['Setup', 'x'], may: true, odd: true },
      { must: 'dropped', odd: 'optimal' },
    )
    expect(scored.tally).toMatchObject({ required: { total: 0 }, optimal: { passed: 1, total: 2 } })
    expect(failures(scored).map(one => one.id)).toEqual(['may'])
  })

  test('what was not run has not passed', () => {
    expect(failures(score(groups, { base: true, must: true, odd: true }, {}))).toMatchObject([
      { id: 'may', outcome: 'untested' },
    ])
  })

  test('a setup that failed is no pass, and a check that is answered no is no failure', () => {
    const scored = score(
      group({ id: 'a' }, { id: 'b', kind: 'check' }),
      { a: ['Setup', 'why'], b: ['Assertion', 'x'] },
      {},
    )
    expect(reportLines({ label: 'conformance', store: 'memory', scored })).toEqual([
      'conformance memory: required 0/1 optimal 0/0 check-yes 0/1',
      '  required a: setup: why',
    ])
  })

  test('tests that depend on each other end, and do not pass', () => {
    const circle = group({ id: 'a', depends_on: ['b'] }, { id: 'b', depends_on: ['a'] })
    expect(failures(score(circle, { a: true, b: true }, {}))).toHaveLength(2)
  })

  test('dependencies come before what needs them, each once', () => {
    expect(withDependencies(groups, 'may')).toEqual(['base', 'must', 'may'])
    expect(() => withDependencies(groups, 'none')).toThrow('there is no test "none"')
  })
})

describe('suites', () => {
  test("the release with today's kinds, and with our additions the counts of the current version", async () => {
    const released = await releasedSuite({})
    const added = await addedSuite(released)
    const runs = [released, added].map(suite => {
      const ids = suite.groups.flatMap(one => one.tests.map(({ id }) => id))
      const scored = score(suite.groups, Object.fromEntries(ids.map(id => [id, true as const])), suite.kinds)
      return { label: suite.label, store: 'memory', scored }
    })
    expect(reportLines(runs[0]!)).toEqual([
      'conformance memory: required 141/141 optimal 93/93 check-yes 91/91',
    ])
    expect(currentLine('memory', runs)).toBe(
      'current memory: required 160/160 optimal 105/105 check-yes 100/100',
    )
  })

  test('what is revised is in the release, with the kind and the dependencies that it has there', async () => {
    const [revised, released] = [await releasedSuite({}), await releasedSuite({ asReleased: true })]
    const marked = revised.groups.flatMap(one => one.tests).filter(one => one.revised === true)
    expect(marked).toHaveLength(22)
    const before = new Map(released.groups.flatMap(one => one.tests.map(test => [test.id, test])))
    for (const { id, kind, depends_on } of marked) {
      expect({ kind, depends_on }).toEqual({
        kind: before.get(id)!.kind,
        depends_on: before.get(id)!.depends_on,
      })
    }
  })

  test('no added test has the id of one that the release counts', async () => {
    const released = await releasedSuite({})
    const added = await addedSuite(released)
    const counted = added.groups.flatMap(one => one.tests).filter(({ id }) => added.kinds[id] === undefined)
    const ids = new Set(released.groups.flatMap(one => one.tests.map(({ id }) => id)))
    expect(counted.filter(({ id }) => ids.has(id))).toEqual([])
  })
})

describe('options and page', () => {
  test('options', () => {
    expect(readOptions([])).toMatchObject({ stores: ['embedded'], profile: 'conformance', writeDocs: false })
    expect(readOptions(['--store', 'all']).stores).toEqual(STORES)
    expect(readOptions(['--store', 'memory,redis']).stores).toEqual(['memory', 'redis'])
    for (const wrong of [
      ['--store', 'tape'],
      ['--profile', 'x'],
      ['--nonsense'],
      ['--write-docs', '--id', 'a'],
    ]) {
      expect(() => readOptions(wrong)).toThrow('usage: npm run conformance')
    }
  })

  test('the page has a score for each store and a row for each test', () => {
    const groups = group({ id: 'a' }, { id: 'b', kind: 'check', ours: true })
    const scored = score(groups, { a: true, b: ['Assertion', 'x'] }, {})
    const text = page([{ profile: 'conformance', runs: [{ label: 'conformance', store: 'memory', scored }] }])
    expect(text).toContain('| conformance | memory | conformance | 1/1 | 0/0 | 0/1 |')
    expect(text).toContain('| conformance | memory | current | 1/1 | 0/0 | 0/0 |')
    expect(text).toContain('| `a` | required | pass |')
    expect(text).toContain('| `b` ‡ | check | no |')
  })
})

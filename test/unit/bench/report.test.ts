import { describe, expect, it } from '@jest/globals'
import { selfTimes } from '../../../bench/report/self-times.mjs'
import { changes, textTable, verdict } from '../../../bench/report/table.mjs'

const summary = { rate: 1000, cpu: 20, p50: 900, p99: 2000, busy: 1 }
const result = {
  bench: 'hit-x',
  ratio: 0.9,
  spread: [0.88, 0.92] as [number, number],
  cpuRatio: 0.91,
  atLeast: 0.9,
  subject: summary,
  baseline: summary,
}

describe('changes', () => {
  const since = (ratio: number, spread: [number, number]) =>
    changes([{ ...result, ratio, spread }], [result])[0]

  it('calls it slower or faster only when the spreads do not overlap', () => {
    expect(since(0.8, [0.79, 0.87])).toContain('SLOWER')
    expect(since(0.95, [0.93, 0.97])).toContain('faster')
    expect(since(0.85, [0.8, 0.89])).toContain('within the spread')
  })

  it('passes over benches that one of the two has no figure for', () => {
    expect(changes([result], [{ bench: 'hit-x', skipped: 'not installed' }])).toEqual([])
    expect(changes([{ bench: 'hit-x', failed: 'Error' }], [result])).toEqual([])
    expect(changes([result], [])).toEqual([])
  })
})

describe('verdict', () => {
  it('is yes from the target on', () => {
    expect(verdict(result)).toBe('yes')
    expect(verdict({ ...result, ratio: 0.8999 })).toBe('no')
    expect(verdict({ ...result, atLeast: undefined })).toBe('')
  })
})

describe('textTable', () => {
  it('says why there is no figure', () => {
    const text = textTable([result, { bench: 'vs-nginx', atLeast: 0.75, skipped: 'nginx is not installed' }])
    expect(text).toContain('skipped: nginx is not installed')
    expect(text).toContain('0.88–0.92')
    expect(text).toContain('0.90 yes')
  })
})

describe('selfTimes', () => {
  const frame = (functionName: string, url = '', lineNumber = -1) => ({ functionName, url, lineNumber })
  const profile = {
    nodes: [
      { id: 1, callFrame: frame('(idle)') },
      { id: 2, callFrame: frame('hit', 'file:///x/dist/engine/journey.js', 9) },
      { id: 3, callFrame: frame('hit', 'file:///x/dist/engine/journey.js', 9) },
      { id: 5, callFrame: frame('dispatch') },
      { id: 4, callFrame: frame('', 'file:///x/node_modules/undici/lib/client.js', 0) },
    ],
    samples: [1, 5, 2, 3, 4, 2],
    timeDeltas: [1000, 700, 30, 20, 100, -5],
  }

  it('adds up a function over all its callers, without idle time and what the profiler takes, longest first', () => {
    expect(selfTimes(profile)).toEqual([
      { name: '(anonymous)', place: 'undici/lib/client.js:1', us: 100, share: 100 / 150 },
      { name: 'hit', place: 'dist/engine/journey.js:10', us: 50, share: 50 / 150 },
    ])
  })

  it('has nothing to say of an idle process', () => {
    expect(selfTimes({ ...profile, samples: [1], timeDeltas: [10] })).toEqual([])
  })
})

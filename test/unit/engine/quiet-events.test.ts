import { expect, test } from '@jest/globals'
import { QuietEvents } from '../../../src/engine/quiet-events.js'
import { ManualTime } from '../../support/manual-timers.js'

test('one line of a kind each second; what was left out is counted', () => {
  const time = new ManualTime()
  const lines: [string, Record<string, unknown>][] = []
  const events = new QuietEvents((what, details) => lines.push([what, details]), time)
  for (let i = 0; i < 5; i++) events.warn('lookup-failed', { i })
  events.warn('fill-failed', {})
  time.advance(1000)
  events.warn('lookup-failed', { i: 5 })
  time.advance(1000)
  events.warn('lookup-failed', { i: 6 })
  expect(lines).toEqual([
    ['lookup-failed', { i: 0 }],
    ['fill-failed', {}],
    ['lookup-failed', { i: 5, omitted: 4 }],
    ['lookup-failed', { i: 6 }],
  ])
})

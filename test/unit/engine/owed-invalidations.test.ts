import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { newMark, type Mark } from '../../../src/engine/fence/mark.js'
import { OwedInvalidations } from '../../../src/engine/owed-invalidations.js'
import { ManualTime } from '../../support/manual-timers.js'

function setUp() {
  const time = new ManualTime()
  const taken: (readonly Mark[])[] = []
  const warnings: string[] = []
  let down = true
  const fence = {
    invalidate: async (marks: readonly Mark[]) => {
      if (down) throw new Error('down')
      taken.push(marks)
      return { epoch: 'e', seq: 1 }
    },
  }
  const owed = new OwedInvalidations(fence, time, { warn: what => warnings.push(what) })
  const pass = async (ms: number) => {
    time.advance(ms)
    await nextTurn()
  }
  return { owed, taken, warnings, pass, up: () => (down = false) }
}

const mark = (url: string) => newMark({ url }, { at: 1 })

test('what the store could not take is tried again until it has it', async () => {
  const { owed, taken, warnings, pass, up } = setUp()
  owed.add([mark('http://a/1')], 1)
  owed.add([mark('http://a/2')], 1)
  await pass(1000)
  expect(taken).toEqual([])
  expect(warnings).toEqual(['invalidate-failed'])
  up()
  await pass(1000)
  expect(taken.flat().map(m => m.url)).toEqual(['http://a/1', 'http://a/2'])
  expect(owed.size).toBe(0)
  await pass(10_000)
  expect(taken).toHaveLength(1)
})

test('beyond the limit one mark about everything stands for them all', async () => {
  const { owed, taken, pass, up } = setUp()
  for (let i = 0; i < 1001; i++) owed.add([mark(`http://a/${i}`)], 1)
  expect(owed.size).toBe(1)
  up()
  await pass(1000)
  expect(taken.flat()).toMatchObject([{ all: true }])
})

test('what is still owed at the end is told', () => {
  const { owed, warnings } = setUp()
  owed.add([mark('http://a/1')], 1)
  owed.stop()
  expect(warnings).toEqual(['invalidations-lost'])
})

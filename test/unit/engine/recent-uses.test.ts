import { expect, test } from '@jest/globals'
import { RecentUses } from '../../../src/engine/recent-uses.js'

test('enough from the nth request for the same key on', () => {
  const uses = new RecentUses(3)
  const seen = [1, 2, 3, 4].map(() => {
    uses.note('a')
    return uses.suffice('a')
  })
  expect(seen).toEqual([false, false, true, true])
  expect(uses.suffice('b')).toBe(false)
})

test('one is always enough', () => {
  expect(new RecentUses(1).suffice('never asked for')).toBe(true)
})

test('bounded: the key that was asked for longest ago is forgotten', () => {
  const uses = new RecentUses(2)
  uses.note('old')
  for (let i = 0; i < 100_000; i++) uses.note(String(i))
  uses.note('old')
  expect(uses.suffice('old')).toBe(false)
})

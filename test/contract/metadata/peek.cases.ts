import { expect, test } from '@jest/globals'
import type { Current } from '../metadata-store.suite.js'

/** peekFence, of the stores that have it: those of one machine. */
export function peekCases(current: Current): void {
  test('peekFence gives the fence of now, at once', async () => {
    const { store } = current()
    for (let i = 0; i < 5; i++) {
      const fence = await store.invalidate([`m${i}`])
      expect(store.peekFence!()).toEqual(fence)
      expect((await store.lookup('k')).fence).toEqual(fence)
    }
    const { fence } = await store.marksAfter(0, 1)
    await store.retireMarks(fence.seq, true)
    expect(store.peekFence!()).toEqual(fence)
  })
}

import { expect, test } from '@jest/globals'
import { constants, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { minorCollection } from '../../../../src/engine/body/minor-collection.js'

test('V8 makes one minor collection for each call, and none of the whole heap', async () => {
  const collect = minorCollection()!
  // What this test's own beginning leaves to collect is none of its matter.
  collect()
  const kinds: unknown[] = []
  const all = new Promise<void>(resolve => {
    const observer = new PerformanceObserver(list => {
      for (const { detail } of list.getEntries() as (PerformanceEntry & {
        detail: { flags: number; kind: number }
      })[]) {
        // Those that nobody asked for are V8's own.
        if (detail.flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) kinds.push(detail.kind)
      }
      if (kinds.length < 2) return
      observer.disconnect()
      resolve()
    })
    observer.observe({ entryTypes: ['gc'] })
  })
  collect()
  collect()
  await all
  expect(kinds).toEqual([constants.NODE_PERFORMANCE_GC_MINOR, constants.NODE_PERFORMANCE_GC_MINOR])
})

test('nobody else finds it', () => {
  minorCollection()
  expect(runInNewContext('typeof gc')).toBe('undefined')
})

test('a process that has it for its contexts keeps it', () => {
  setFlagsFromString('--expose-gc')
  try {
    expect(minorCollection()).toBeDefined()
    expect(runInNewContext('typeof gc')).toBe('function')
  } finally {
    setFlagsFromString('--no-expose-gc')
  }
})

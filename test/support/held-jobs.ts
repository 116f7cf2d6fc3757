import { jest } from '@jest/globals'
import { Jobs, type JobsParts } from '../../src/engine/jobs/jobs.js'
import type { JobStore } from '../../src/engine/ports/job-store.js'
import type { Pass } from '../../src/engine/sweep/pass.js'
import type { ManualTime } from './manual-timers.js'
import { gate } from './mounted-strata.js'

/** Lets all that needs no timer come to its end. */
export const settle = async () => {
  for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve))
}

export function nodeOn(store: JobStore, time: ManualTime, name: string, extra: Partial<JobsParts> = {}) {
  const onError = jest.fn<(error: unknown) => void>()
  const jobs = new Jobs({ store, clock: time, timers: time, pace: 1, onError, node: name, ...extra })
  return { jobs, onError }
}

/** Work that waits until it is let go, one batch at a time. */
export function heldWork() {
  const begun: Pass[] = []
  let doors: (() => void)[] = []
  const work = async (pass: Pass) => {
    await pass.run(
      async () => {
        const door = gate()
        doors.push(door.open)
        // Not before: whoever sees that it runs may let it go at once.
        begun.push(pass)
        await door.opened
        pass.examined += 5
        await pass.breathe()
        pass.removed += 2
      },
      { now: () => 1 },
    )
  }
  const release = () => {
    for (const open of doors) open()
    doors = []
  }
  return { begun, work, release }
}

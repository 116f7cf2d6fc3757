import type { JobStore } from '../../engine/ports/job-store.js'

/** The list of jobs in this process's memory. */
export function memoryJobStore(): JobStore {
  let text = ''
  return {
    name: 'memory',
    read: async () => text,
    swap: async (before, after) => {
      if (text !== before) return false
      text = after
      return true
    },
    close: async () => undefined,
  }
}

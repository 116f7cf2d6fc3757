import type { JobStore } from '../../engine/ports/job-store.js'

/** The list of jobs in this process's memory. */
export function memoryJobStore(): JobStore {
  let text = ''
  const papers = new Map<string, string>()
  return {
    name: 'memory',
    read: async () => text,
    swap: async (before, after) => {
      if (text !== before) return false
      text = after
      return true
    },
    paper: async name => papers.get(name) ?? '',
    putPaper: async (name, paper) => {
      if (paper === '') papers.delete(name)
      else papers.set(name, paper)
    },
    close: async () => undefined,
  }
}

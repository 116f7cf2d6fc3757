/** The counter of each result of a request (the first word of X-Cache). */
export const COUNTER = {
  HIT: 'hits',
  MISS: 'misses',
  STALE: 'stale',
  REVALIDATED: 'revalidated',
  BYPASS: 'bypass',
} as const

import { HITS } from './hits.mjs'
import { KEYS } from './key.mjs'
import { LARGE } from './large.mjs'
import { LIMITS } from './limits.mjs'
import { MISSES } from './misses.mjs'
import { PEERS } from './peers.mjs'
import { REMOTE } from './remote.mjs'

export const BENCHES = [...HITS, ...REMOTE, ...MISSES, ...LARGE, ...PEERS, ...KEYS, ...LIMITS]

/**
 * The benches that are named; a name also stands for all that begin with it.
 * @param {{ names: string[], all: boolean }} options
 * @throws Error for a name that there is not
 */
export function chosenBenches({ names, all }) {
  if (all) return BENCHES
  const chosen = new Set()
  for (const name of names) {
    const exact = BENCHES.filter(bench => bench.name === name)
    const found = exact.length > 0 ? exact : BENCHES.filter(bench => bench.name.startsWith(name))
    if (found.length === 0)
      throw new Error(`there is no bench ${name}; there are ${BENCHES.map(bench => bench.name).join(', ')}`)
    for (const bench of found) chosen.add(bench)
  }
  return [...chosen]
}

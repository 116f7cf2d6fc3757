/**
 * @typedef {object} SelfTime
 * @property {string} name function
 * @property {string} place file and line
 * @property {number} us
 * @property {number} share of all samples that were not idle
 */

/**
 * Self times of a .cpuprofile by function, longest first. Idle time is left out.
 * @param {{ nodes: { id: number, callFrame: { functionName: string, url: string, lineNumber: number } }[], samples: number[], timeDeltas: number[] }} profile
 * @returns {SelfTime[]}
 */
export function selfTimes({ nodes, samples, timeDeltas }) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const byPlace = new Map()
  let total = 0
  samples.forEach((id, i) => {
    const { functionName, url, lineNumber } = frames.get(id)
    // `dispatch` without a file is the profiler itself, called from within the process.
    if (functionName === '(idle)' || (functionName === 'dispatch' && url === '')) return
    const place = url === '' ? '' : `${shortened(url)}:${lineNumber + 1}`
    const name = functionName || '(anonymous)'
    const key = `${name} ${place}`
    const known = byPlace.get(key) ?? { name, place, us: 0, share: 0 }
    // A clock that was set back gives a negative delta.
    known.us += Math.max(0, timeDeltas[i])
    total += Math.max(0, timeDeltas[i])
    byPlace.set(key, known)
  })
  const all = [...byPlace.values()].sort((a, b) => b.us - a.us)
  for (const one of all) one.share = total === 0 ? 0 : one.us / total
  return all
}

/** @param {string} url */
function shortened(url) {
  return url
    .replace(/^file:\/\//, '')
    .replace(/^.*\/node_modules\/(?!\.)/, '')
    .replace(/^.*\/(?:dist|\.bench-dist)\//, 'dist/')
}

/** @param {SelfTime[]} times @param {number} count @returns {string} */
export function selfTimeTable(times, count) {
  return times
    .slice(0, count)
    .map(
      ({ name, place, us, share }) =>
        `${(share * 100).toFixed(1).padStart(5)}%  ${(us / 1000).toFixed(0).padStart(7)} ms  ${name}  ${place}`,
    )
    .join('\n')
}

/** @param {string} profile @param {unknown[]} runs */
export async function writeDocs(profile, runs) {
  throw new Error(`not written yet ${profile} ${runs.length}`)
}

import fc from 'fast-check'
import { parentPort, workerData } from 'node:worker_threads'

/** Runs the tests of some mutants; `static` ones only when it was started for one alone, since they show as modules load. */
const { files, shim, work, seed } = workerData
let active = work.length === 1 ? work[0].id : -1
let touched
globalThis.$m = id => {
  touched?.add(id)
  return id === active
}
// Shrinking would only find a smaller counterexample; the seed makes the score repeatable.
fc.configureGlobal({ seed, endOnFailure: true })

const failsOf = async test => {
  try {
    await test.run()
    return undefined
  } catch (error) {
    return error
  }
}

async function main() {
  let broken
  try {
    for (const file of files) await import(file)
  } catch (error) {
    broken = error
  }
  const { collected } = await import(shim)
  if (work.length === 0) return parentPort.postMessage({ dry: await dryRun(collected, broken) })
  for (const { id, tests } of work) {
    parentPort.postMessage({ start: id })
    active = id
    let killer = broken === undefined ? undefined : 'while loading'
    for (const at of tests ?? collected.keys()) {
      if (killer !== undefined) break
      if ((await failsOf(collected[at])) !== undefined) killer = collected[at].name
    }
    parentPort.postMessage({ done: id, killer })
  }
}

/** Which tests reach which mutants; all must pass. */
async function dryRun(collected, broken) {
  if (broken !== undefined) throw broken
  const reached = []
  for (const test of collected) {
    touched = new Set()
    const began = performance.now()
    const error = await failsOf(test)
    if (error !== undefined) throw new Error(`fails without any mutant: ${test.name}`, { cause: error })
    reached.push({ ids: [...touched], ms: performance.now() - began })
  }
  return reached
}

await main()

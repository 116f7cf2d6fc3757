import { existsSync, readFileSync } from 'node:fs'

/**
 * What the tests of attacks have written into their common file, added up.
 * @param {string} file one line a test file: attacks, and how many of them succeeded
 * @returns {string} `N attacks, N succeeded`
 */
export function attackTotals(file) {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  const [tried, succeeded] = [0, 1].map(i => lines.reduce((sum, line) => sum + Number(line.split(' ')[i]), 0))
  return `${tried} attacks, ${succeeded} succeeded`
}

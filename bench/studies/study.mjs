import { parseArgs } from 'node:util'
import { machine, versions, writeReport } from '../report/results.mjs'

const dist = process.env.BENCH_DIST ?? new URL('../../dist', import.meta.url).pathname

/** A module of the built package. @param {string} path */
export function built(path) {
  return import(new URL(path, `file://${dist}/`).href)
}

/**
 * Whole-number options of a study, with their defaults.
 * @template {Record<string, number>} D @param {D} defaults @returns {D & { json: string | undefined, node: string }}
 */
export function studyOptions(defaults) {
  const names = Object.keys(defaults)
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(names.map(name => [name, { type: 'string', default: String(defaults[name]) }])),
      json: { type: 'string' },
      node: { type: 'string', default: process.execPath },
    },
  })
  const numbers = Object.fromEntries(names.map(name => [name, Number(values[name])]))
  for (const name of names)
    if (!Number.isInteger(numbers[name]) || numbers[name] < 0)
      throw new Error(`--${name} must be a whole number`)
  return { ...numbers, json: values.json, node: values.node }
}

/**
 * Prints the study's table and one JSON line, and keeps both for docs/performance.md.
 * @param {{ study: string, title: string, about: string, columns: string[], rows: string[][], figures: object }} found
 * @param {{ json: string | undefined, node: string }} options
 */
export function publish(found, { json, node }) {
  const report = {
    at: new Date().toISOString(),
    machine: machine(),
    versions: versions(node, 'wrk'),
    ...found,
  }
  const widths = found.columns.map((name, i) =>
    Math.max(name.length, ...found.rows.map(row => row[i].length)),
  )
  const line = cells =>
    cells
      .map((cell, i) => cell.padEnd(widths[i]))
      .join('  ')
      .trimEnd()
  process.stdout.write(`\n${found.title}\n${[found.columns, ...found.rows].map(line).join('\n')}\n`)
  process.stdout.write(`${JSON.stringify({ bench: found.study, ...found.figures })}\n`)
  process.stdout.write(`written: ${writeReport(report, json, found.study)}\n`)
}

/** @param {string} text on stderr: progress */
export function tell(text) {
  process.stderr.write(`${text}\n`)
}

/** Results as people read them. */

/** @typedef {import('./results.mjs').Result} Result */

export const COLUMNS = [
  'bench',
  'ratio',
  'spread',
  'CPU ratio',
  'at least',
  'subject',
  'baseline',
  'CPU',
  'p50',
  'p99',
  'busy',
]

/** @param {Result} result @returns {string[]} one cell for each column */
export function cells(result) {
  const { bench, ratio, spread, cpuRatio, atLeast, subject, baseline, unit } = result
  if (subject === undefined || baseline === undefined) {
    const why = result.skipped === undefined ? `failed: ${result.failed}` : `skipped: ${result.skipped}`
    return [
      bench,
      '',
      '',
      '',
      atLeast === undefined ? '' : atLeast.toFixed(2),
      why.split('\n')[0],
      '',
      '',
      '',
      '',
      '',
    ]
  }
  const both = (key, format) =>
    subject[key] === undefined || baseline[key] === undefined
      ? ''
      : `${format(subject[key])} / ${format(baseline[key])}`
  return [
    bench,
    ratio.toFixed(3),
    `${spread[0].toFixed(2)}–${spread[1].toFixed(2)}`,
    cpuRatio === undefined ? '' : cpuRatio.toFixed(3),
    atLeast === undefined ? '' : `${atLeast.toFixed(2)} ${verdict(result)}`,
    rate(subject.rate, unit),
    rate(baseline.rate, unit),
    both('cpu', value => value.toFixed(value < 10 ? 2 : 1)),
    both('p50', value => milliseconds(value)),
    both('p99', value => milliseconds(value)),
    both('busy', value => `${Math.round(value * 100)}%`),
  ]
}

/** @param {Result} result */
export function verdict({ ratio, atLeast }) {
  return ratio === undefined || atLeast === undefined ? '' : ratio >= atLeast ? 'yes' : 'no'
}

/** @param {Result[]} results @returns {string} for a terminal */
export function textTable(results) {
  const rows = [COLUMNS, ...results.map(cells)]
  const widths = COLUMNS.map((_, i) =>
    Math.max(...rows.map(row => (isNote(row) && i >= 5 ? 0 : row[i].length))),
  )
  return rows
    .map(row =>
      row
        .map((cell, i) => cell.padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function isNote(row) {
  return row[1] === ''
}

/** @param {number} value @param {string} [unit] */
export function rate(value, unit = 'requests/s') {
  if (unit === 'bytes/s') return `${Math.round(value / 1024 ** 2)} MiB/s`
  return `${Math.round(value)}/s`
}

function milliseconds(us) {
  return `${(us / 1000).toFixed(2)} ms`
}

/**
 * What has changed since other results. A change counts as one when the two runs' spreads do not overlap.
 * @param {Result[]} now @param {Result[]} before @returns {string[]} lines
 */
export function changes(now, before) {
  const lines = []
  for (const result of now) {
    const old = before.find(({ bench }) => bench === result.bench)
    if (result.ratio === undefined || old?.ratio === undefined) continue
    const slower = result.spread[1] < old.spread[0]
    const faster = result.spread[0] > old.spread[1]
    const change = `${old.ratio.toFixed(3)} → ${result.ratio.toFixed(3)}`
    const cpu =
      old.cpuRatio === undefined || result.cpuRatio === undefined
        ? ''
        : `, CPU ${old.cpuRatio.toFixed(3)} → ${result.cpuRatio.toFixed(3)}`
    lines.push(
      `${result.bench}: ${change}${cpu} ${slower ? 'SLOWER' : faster ? 'faster' : '(within the spread)'}`,
    )
  }
  return lines
}

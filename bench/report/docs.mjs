import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { BENCHES } from '../benches/index.mjs'
import { cells, COLUMNS } from './table.mjs'

/** `docs/performance.md`, made of the newest result of each bench for each Node version, and of the studies beside them. */

const PATH = fileURLToPath(new URL('../../docs/performance.md', import.meta.url))

/** @param {import('./results.mjs').Report[]} reports oldest first @returns {string} the path */
export function writeDocs(reports) {
  writeFileSync(PATH, docsOf(reports))
  return PATH
}

/** @param {import('./results.mjs').Report[]} reports oldest first @returns {string} Markdown */
export function docsOf(reports) {
  const parts = [HEAD, benchTable()]
  const majors = [...new Set(reports.filter(report => report.results !== undefined).map(majorOf))].sort()
  for (const major of majors)
    parts.push(
      section(
        major,
        reports.filter(report => report.results !== undefined && majorOf(report) === major),
      ),
    )
  for (const report of newestStudies(reports)) parts.push(study(report))
  return `${parts.join('\n\n')}\n`
}

const HEAD = `# Performance

Made by \`npm run bench -- --write-docs\` from \`bench/results/\`: change it there.

Each bench runs Strata and its baseline in the same run, in alternating rounds, with the server on one core and everything else
(load generator, origin, Redis, S3) on the others. **ratio** is the median of the rounds' throughput ratios, each round compared
with its neighbour in time; **spread** is the lowest and the highest. **CPU ratio** is the same of CPU time per request of the
server process, turned round (above 1: Strata takes less): where it and the throughput disagree, something else than the server
was the limit, or the machine was not quiet. **CPU** is microseconds of the server process per request (per MiB for
\`large-stream\`), **busy** the share of one core that it took; both as Strata / baseline, like p50 and p99.
Run one: \`npm run bench -- hit-standalone\`.`

function benchTable() {
  const rows = BENCHES.map(({ name, subject, baseline, atLeast }) =>
    row([`\`${name}\``, subject, baseline, atLeast === undefined ? 'for information' : atLeast.toFixed(2)]),
  )
  return ['## What is compared', '', row(['bench', 'Strata', 'baseline', 'at least']), rule(4), ...rows].join(
    '\n',
  )
}

/** @param {string} major @param {import('./results.mjs').Report[]} reports */
function section(major, reports) {
  const results = BENCHES.flatMap(({ name }) => {
    // A later run that skipped or failed does not hide an earlier figure.
    const all = reports.flatMap(report => report.results.filter(({ bench }) => bench === name))
    return all.findLast(({ ratio }) => ratio !== undefined) ?? all.at(-1) ?? []
  })
  const { machine, versions, at } = reports.at(-1)
  const about = `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB; ${versions.generator}; last run ${at.slice(0, 10)}, load before it ${Number(machine.loadBefore).toFixed(1)}; ${results[0]?.rounds} rounds.`
  return [
    `## Node ${versions.node.replace(/^v/, '')}`,
    '',
    about,
    '',
    row(COLUMNS),
    rule(COLUMNS.length),
    ...results.map(result => row(cells(result))),
  ].join('\n')
}

function newestStudies(reports) {
  const newest = new Map()
  for (const report of reports) if (report.study !== undefined) newest.set(report.study, report)
  return newest.values()
}

/** @param {{ study: string, title: string, about: string, columns: string[], rows: string[][], machine: any, versions: any, at: string }} report */
function study({ title, about, columns, rows, versions, at }) {
  const foot = `Node ${versions.node.replace(/^v/, '')}, ${at.slice(0, 10)}.`
  return [`## ${title}`, '', about, '', row(columns), rule(columns.length), ...rows.map(row), '', foot].join(
    '\n',
  )
}

function majorOf({ versions }) {
  return versions.node.replace(/^v(\d+).*/, '$1')
}

function row(texts) {
  return `| ${texts.map(text => text.replace(/\|/g, '\\|')).join(' | ')} |`
}

function rule(columns) {
  return `|${' --- |'.repeat(columns)}`
}

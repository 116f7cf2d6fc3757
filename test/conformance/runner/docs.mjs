// @ts-check
import { mkdir, writeFile } from 'node:fs/promises'
import { format } from 'prettier'
import { currentTally } from './report.mjs'

const PAGE = new URL('../../../docs/conformance.md', import.meta.url)

/** Published at cache-tests.fyi, or measured by us (†): passed required and optimal tests of 160 and 105. */
const OTHERS = [
  ['Apache Traffic Server', 132, 70],
  ['Apache httpd', 131, 68],
  ['undici cache interceptor in a proxy †', 124, 64],
  ['Squid', 122, 59],
  ['Caddy with Souin', 121, 44],
  ['Varnish', 119, 45],
  ['nginx', 99, 59],
  ['apicache †', 0, 8],
]

const MARKS = {
  pass: 'pass',
  fail: '**fail**',
  setup: '**setup**',
  dependency: '**dep**',
  untested: '**untested**',
}

/**
 * @typedef {import('./report.mjs').Run} Run
 * @typedef {{ profile: string, runs: Run[] }} Profile
 */

/** Writes docs/conformance.md. @param {Profile[]} profiles the first one's tests are listed */
export async function writeDocs(profiles) {
  const text = await format(page(profiles), { parser: 'markdown' })
  await mkdir(new URL('.', PAGE), { recursive: true })
  await writeFile(PAGE, text)
}

/** @param {Profile[]} profiles */
export function page(profiles) {
  const [first] = profiles
  if (first === undefined) throw new Error('there is nothing to write about')
  return [
    '# Conformance',
    '',
    '<!-- Written by `npm run conformance -- --store all --write-docs`; do not edit. -->',
    '',
    'The client and the server of the public HTTP cache test suite ([cache-tests.fyi](https://cache-tests.fyi/), npm',
    "`http-cache-tests`) run unchanged against Strata's built command, on each store's real servers. A test counts only if",
    'what it depends on passed too. `conformance` are the tests of the npm release with the kinds of the current version;',
    '22 of them (§) are asked in the way of the current version. `added` are our own tests, in the same format, of what the',
    'current version asks and the release does not, and of what neither asks (‡). `current` is both together, without ‡: the',
    "current version's score as far as we can tell without running it.",
    '',
    '## Score',
    '',
    ...scores(profiles),
    '',
    'Settings that differ between the two profiles, each with its reason, are in `config/conformance.yaml`.',
    'For `default`, `http.sharedFields` names the fields by which the suite counts its requests (`Test-Name`, `Test-ID`, `Req-Num`):',
    'else each answer would be for its sender alone.',
    '',
    '## Other caches',
    '',
    'Of the 160 required and 105 optimal tests of the current version.',
    '',
    ...table(['cache', 'required', 'optimal'], OTHERS),
    '',
    '## Tests',
    '',
    `Profile \`${first.profile}\`. A *check* asks for a fact and is neither right nor wrong: yes or no. *dep*: what the test`,
    'depends on did not pass. ‡: in no version of the suite. §: the npm release asks for something else than the current',
    'version and the RFCs do, so that our form of the test is run; `test/conformance/revised/` says why, and',
    '`npm run conformance -- --as-released` runs the others.',
    '',
    ...outcomes(first.runs),
    '',
  ].join('\n')
}

/** @param {Profile[]} profiles */
function scores(profiles) {
  const rows = profiles.flatMap(({ profile, runs }) => {
    const stores = [...new Set(runs.map(run => run.store))]
    return stores.flatMap(store => {
      const own = runs.filter(run => run.store === store)
      const tallies = own.map(run => [run.label, run.scored.tally]).concat([['current', currentTally(own)]])
      return tallies.map(([label, tally]) => {
        const { required, optimal, check } = /** @type {import('./report.mjs').Tallies} */ (tally)
        const cells = [required, optimal, check].map(({ passed, total }) => `${passed}/${total}`)
        return [profile, store, /** @type {string} */ (label), ...cells]
      })
    })
  })
  return table(['profile', 'store', 'suite', 'required', 'optimal', 'check: yes'], rows)
}

/** One table for each group of tests. @param {Run[]} runs */
function outcomes(runs) {
  const stores = [...new Set(runs.map(run => run.store))]
  /** @type {Map<string, Map<string, string[]>>} */
  const groups = new Map()
  for (const { store, scored } of runs) {
    for (const { group, id, kind, ours, revised, outcome } of scored.tests) {
      const rows = groups.get(group) ?? new Map()
      groups.set(group, rows)
      const row = rows.get(id) ?? [
        `\`${id}\`${ours ? ' ‡' : revised ? ' §' : ''}`,
        kind,
        ...stores.map(() => ''),
      ]
      rows.set(id, row)
      row[2 + stores.indexOf(store)] = mark(kind, outcome)
    }
  }
  return [...groups].flatMap(([group, rows]) => [
    `### ${group}`,
    '',
    ...table(['test', 'kind', ...stores], [...rows.values()]),
    '',
  ])
}

/** @param {string} kind @param {import('./score.mjs').Outcome} outcome */
function mark(kind, outcome) {
  if (kind !== 'check') return MARKS[outcome]
  return outcome === 'pass' ? 'yes' : outcome === 'fail' ? 'no' : outcome
}

/** @param {string[]} head @param {(string | number)[][]} rows */
function table(head, rows) {
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`)
}

import { parseArgs } from 'node:util'

/**
 * @typedef {object} Options
 * @property {string[]} names benches to run, by name or by the beginning of one
 * @property {boolean} all
 * @property {number} rounds for each side
 * @property {number} duration of one round, s
 * @property {number} warmUp s
 * @property {number} connections of the load generator
 * @property {number} largeBytes size of the body of large-stream
 * @property {string | undefined} compare results to compare with
 * @property {string | undefined} json where results are written; without it bench/results/<time>.json
 * @property {string} node binary that runs the servers under test
 * @property {'wrk' | 'autocannon' | undefined} generator
 * @property {string | undefined} profile folder for .cpuprofile files; one round of the subject alone
 * @property {boolean} writeDocs
 * @property {boolean} list
 */

export const USAGE = `npm run bench -- [NAME …|--all] [options]

  NAME             a bench, or the beginning of several (hit, vs-nginx); --list names them
  --all            every bench
  --rounds N       rounds for each side, alternating (5)
  --duration S     seconds of one round (4)
  --warm-up S      seconds of load before the first round (3)
  --connections N  of the load generator (64)
  --large-bytes N  body of large-stream (1073741824)
  --generator G    wrk or autocannon (wrk when it is installed)
  --node PATH      binary that runs the servers under test (this one)
  --profile DIR    a CPU profile of one round of the subject, with its top self times; no figures are kept
  --compare FILE   say what has become slower or faster since those results
  --json FILE      where results go (bench/results/<time>-node<major>.json)
  --write-docs     make docs/performance.md from the newest results of each Node version; without names nothing is run
  --list           names, baselines and targets
`

/** @param {string[]} argv @returns {Options} @throws Error that says what is wrong with the arguments */
export function parseOptions(argv) {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      all: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
      duration: { type: 'string', default: '4' },
      'warm-up': { type: 'string', default: '3' },
      connections: { type: 'string', default: '64' },
      'large-bytes': { type: 'string', default: String(1024 ** 3) },
      generator: { type: 'string' },
      node: { type: 'string', default: process.execPath },
      profile: { type: 'string' },
      compare: { type: 'string' },
      json: { type: 'string' },
      'write-docs': { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) throw new Error(USAGE)
  if (values.generator !== undefined && !['wrk', 'autocannon'].includes(values.generator))
    throw new Error('--generator must be wrk or autocannon')
  return {
    names: positionals,
    all: values.all,
    rounds: positive('rounds', values.rounds),
    duration: positive('duration', values.duration),
    warmUp: positive('warm-up', values['warm-up']),
    connections: positive('connections', values.connections),
    largeBytes: positive('large-bytes', values['large-bytes']),
    generator: /** @type {Options['generator']} */ (values.generator),
    node: values.node,
    profile: values.profile,
    compare: values.compare,
    json: values.json,
    writeDocs: values['write-docs'],
    list: values.list,
  }
}

/** @param {string} name @param {string} text */
function positive(name, text) {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${name} must be a whole number from 1, not ${text}`)
  return value
}

import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PLACES } from '../harness/cores.mjs'

/**
 * @typedef {object} Result of one bench
 * @property {string} bench
 * @property {string} [skipped] why it was not run; or `failed`, what went wrong
 * @property {string} [failed]
 * @property {number} [ratio]
 * @property {[number, number]} [spread]
 * @property {number} [cpuRatio]
 * @property {[number, number]} [cpuSpread]
 * @property {number} [atLeast]
 * @property {string} [unit]
 * @property {number} [rounds]
 * @property {import('./stats.mjs').Summary} [subject]
 * @property {import('./stats.mjs').Summary} [baseline]
 */

/**
 * @typedef {object} Report
 * @property {string} at ISO time
 * @property {Record<string, unknown>} machine
 * @property {Record<string, string>} versions
 * @property {Record<string, unknown>} options
 * @property {Result[]} results
 */

export const RESULTS = fileURLToPath(new URL('../results', import.meta.url))

export function machine() {
  const [first] = cpus()
  return {
    cpu: first?.model.trim(),
    cores: availableParallelism(),
    pinned: PLACES ?? 'not pinned',
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    // Above the number of the bench's own processes, others were at work: the figures are noise then.
    loadBefore: loadavg()[0],
  }
}

/** @param {string} node @param {string} generator */
export function versions(node, generator) {
  const first = (command, args) => {
    const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
    return `${stdout ?? ''}${stderr ?? ''}`.split('\n')[0].trim()
  }
  const installed = name =>
    JSON.parse(readFileSync(new URL(`../../node_modules/${name}/package.json`, import.meta.url), 'utf8'))
      .version
  const peers = ['express', 'undici', 'http-proxy-middleware', 'apicache', 'pino-http', 'ioredis', 'lmdb']
  return {
    node: first(node, ['--version']),
    commit: first('git', ['rev-parse', '--short', 'HEAD']),
    generator:
      generator === 'wrk'
        ? first('wrk', ['-v']).split(' ').slice(0, 2).join(' ')
        : `autocannon ${installed('autocannon')}`,
    ...Object.fromEntries(peers.map(name => [name, installed(name)])),
  }
}

/**
 * @param {Report} report @param {string | undefined} file @param {string} [study] part of the name, for what is no run of benches
 * @returns {string} where it was written
 */
export function writeReport(report, file, study) {
  const major = report.versions.node.replace(/^v(\d+).*/, '$1')
  const about = study === undefined ? '' : `${study}-`
  const name = `${about}${report.at.replace(/\.\d+Z$/, 'Z').replace(/:/g, '')}-node${major}.json`
  const path = file ?? join(RESULTS, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify(report, undefined, 2)}\n`)
  return path
}

/** @param {string} path @returns {Report} */
export function readReport(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

/** All reports of bench/results, oldest first. @returns {Report[]} */
export function allReports() {
  let names = []
  try {
    names = readdirSync(RESULTS)
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
  return names
    .filter(name => name.endsWith('.json'))
    .map(name => readReport(join(RESULTS, name)))
    .sort((a, b) => (a.at < b.at ? -1 : 1))
}

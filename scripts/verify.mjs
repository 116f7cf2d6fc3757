import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { attackTotals } from './attack-totals.mjs'
import { withOwnNpm } from './npm-path.mjs'

/**
 * Everything that must hold: lint, types, build, all Jest suites, and the conformance suite on two stores. The last line is
 * `N passed, N failed`: Jest tests one by one, every other step as one. Exit code 1 when anything failed.
 */

const root = fileURLToPath(new URL('..', import.meta.url))
const results = []

step('lint', ['lint'])
step('typecheck', ['typecheck'])
step('build', ['build'])
// Those that start no servers of their own leave a core idle otherwise; the others have timers and processes to get along with.
jest('tests of parts', ['unit', 'contract'], 2)
jest('tests of the whole', ['integration', 'e2e', 'fault', 'conformance', 'security'], 1)
step('conformance on embedded', ['conformance', '--', '--store', 'embedded', '--profile', 'conformance'])
step('conformance on s3-redis', ['conformance', '--', '--store', 's3-redis', '--profile', 'conformance'])

const sum = key => results.reduce((total, result) => total + result[key], 0)
process.stdout.write('\n')
for (const { name, passed, failed, detail } of results) {
  process.stdout.write(
    `${failed === 0 ? 'ok  ' : 'FAIL'}  ${name}: ${passed} passed, ${failed} failed${detail ? ` (${detail})` : ''}\n`,
  )
}
process.stdout.write(`${sum('passed')} passed, ${sum('failed')} failed\n`)
process.exitCode = sum('failed') === 0 ? 0 : 1

function npm(args, more = {}) {
  return spawnSync('npm', ['run', '--silent', ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...withOwnNpm(process.env), ...more },
  })
}

/** One script of package.json, as one test. */
function step(name, args) {
  process.stdout.write(`\n── ${name}\n`)
  const { status, signal } = npm(args)
  const passed = status === 0
  const detail = passed ? '' : signal ? `ended by ${signal}` : `exit code ${status}`
  results.push({ name, passed: Number(passed), failed: Number(!passed), detail })
}

/** Jest projects. A suite that could not run at all, and a test that was skipped, count as failed. */
function jest(name, projects, workers) {
  process.stdout.write(`\n── ${name}\n`)
  const folder = mkdtempSync(join(tmpdir(), 'strata-verify-'))
  const file = join(folder, 'jest.json')
  try {
    const attacks = join(folder, 'attacks')
    const { status } = npm(
      [
        ...['jest', '--', '--ci', '--forceExit', '--json', '--outputFile', file],
        ...['--maxWorkers', String(workers), '--selectProjects', ...projects],
      ],
      { ATTACK_TALLY_FILE: attacks },
    )
    if (projects.includes('security')) process.stdout.write(`${attackTotals(attacks)}\n`)
    const report = JSON.parse(readFileSync(file, 'utf8'))
    const broken = report.numRuntimeErrorTestSuites
    const skipped = report.numPendingTests + report.numTodoTests
    const failed = report.numFailedTests + broken + skipped
    const passed = report.numPassedTests
    // Jest can fail for other reasons (a worker that crashed, no tests at all): that must not look like success.
    const silent = status !== 0 && failed === 0 ? 1 : 0
    const detail = [
      broken && `${broken} suites did not run`,
      skipped && `${skipped} skipped`,
      silent && `exit code ${status}`,
    ]
    results.push({
      name,
      passed,
      failed: failed + silent,
      detail: detail.filter(Boolean).join(', '),
    })
  } catch (error) {
    results.push({ name, passed: 0, failed: 1, detail: `Jest wrote no report: ${error.message}` })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { attackTotals } from './attack-totals.mjs'

/** `npm run test:security`: all attacks of test/security, and how many there were. Arguments: parts of test paths. */

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'strata-attacks-'))
const file = join(folder, 'tally')
const run = (args, env = {}) =>
  spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } })
try {
  run(['scripts/build-if-needed.mjs'])
  const jest = [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    '--ci',
    '--selectProjects',
    'security',
  ]
  const paths = process.argv.slice(2)
  const { status } = run([...jest, ...(paths.length === 0 ? [] : ['--testPathPatterns', ...paths])], {
    ATTACK_TALLY_FILE: file,
  })
  const totals = attackTotals(file)
  process.stdout.write(`${totals}\n`)
  process.exitCode = status ?? 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

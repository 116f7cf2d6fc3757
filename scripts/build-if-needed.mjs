import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { withOwnNpm } from './npm-path.mjs'

/** Builds dist/ when it is missing or older than what it is made of. */

const root = fileURLToPath(new URL('..', import.meta.url))
const built = `${root}dist/cli.js`

function newest(path) {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(stat.mtimeMs, ...readdirSync(path).map(name => newest(`${path}/${name}`)))
}

const sources = ['src', 'tsconfig.json', 'tsconfig.build.json'].map(name => newest(root + name))
if (!existsSync(built) || statSync(built).mtimeMs < Math.max(...sources)) {
  process.stdout.write('Building dist/ …\n')
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], {
    cwd: root,
    stdio: 'inherit',
    env: withOwnNpm(process.env),
  })
  process.exitCode = status ?? 1
}

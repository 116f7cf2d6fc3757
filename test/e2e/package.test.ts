import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { withOwnNpm } from '../../scripts/npm-path.mjs'

/** The package as users get it: packed, installed into fresh projects, imported, required and type-checked there. */

const INSTALL_TIMEOUT_MS = 300_000
const run = promisify(execFile)
/** Without what Jest runs under, too: it is not what users have. */
const env: NodeJS.ProcessEnv = { ...withOwnNpm(process.env), NODE_OPTIONS: '' }
const root = fileURLToPath(new URL('../../', import.meta.url))
let folder: string
let tarball: string

beforeAll(async () => {
  if (!existsSync(join(root, 'dist/index.js'))) throw new Error('dist/ is missing: run npm run build first')
  folder = await mkdtemp(join(tmpdir(), 'strata-package-'))
  // Without prepack, which would take dist/ away under the other tests.
  await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], { cwd: root, env })
  const [name] = (await readdir(folder)).filter(file => file.endsWith('.tgz'))
  tarball = join(folder, name!)
}, INSTALL_TIMEOUT_MS)
afterAll(() => rm(folder, { recursive: true, force: true }))

/** What runs in each project: a cache in memory in front of a handler, asked twice. */
const USE = `
async function main() {
  let calls = 0
  const strata = await createStrata({ backend: 'memory' })
  const server = http.createServer(strata.handler((req, res) => {
    calls++
    res.setHeader('Cache-Control', 'max-age=60').end('hello')
  }))
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = 'http://127.0.0.1:' + server.address().port + '/'
  const said = []
  for (let i = 0; i < 2; i++) {
    const response = await fetch(url)
    said.push(await response.text(), response.headers.get('x-cache').split(/[^A-Z]/)[0])
  }
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  await strata.close()
  console.log(JSON.stringify({ calls, said }))
}
main()
`

/** The types are those of Strata and not \`any\`: a wrong setting does not compile. */
const TYPED = `import { createStrata } from 'strata-cache'
async function main(): Promise<void> {
  const strata = await createStrata({ backend: 'memory', rules: [{ match: '/tiles/**', ttl: 60 }] })
  await strata.close()
  // @ts-expect-error there is no such setting
  await createStrata({ bakend: 'memory' })
}
void main
`

describe.each([
  [
    'ESM',
    'module',
    'main.mjs',
    "import http from 'node:http'\nimport { createStrata } from 'strata-cache'\n",
  ],
  [
    'CommonJS',
    'commonjs',
    'main.cjs',
    "const http = require('node:http')\nconst { createStrata } = require('strata-cache')\n",
  ],
])('a fresh %s project', (_name, type, file, head) => {
  let project: string

  beforeAll(async () => {
    project = join(folder, type)
    await mkdir(project)
    const typesFromHere = join(root, 'node_modules/@types')
    const options = { module: 'nodenext', target: 'es2022', strict: true, noEmit: true, skipLibCheck: true }
    await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'fresh', private: true, type }))
    await writeFile(join(project, file), head + USE)
    await writeFile(join(project, 'typed.ts'), TYPED)
    await writeFile(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: { ...options, types: ['node'], typeRoots: [typesFromHere] },
        files: ['typed.ts'],
      }),
    )
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--silent', tarball], {
      cwd: project,
    })
  }, INSTALL_TIMEOUT_MS)

  test('runs a cache', async () => {
    const { stdout, stderr } = await run(process.execPath, [file], { cwd: project, env })
    const last = stdout.trim().split('\n').at(-1)!
    expect(JSON.parse(last)).toEqual({ calls: 1, said: ['hello', 'MISS', 'hello', 'HIT'] })
    expect(stderr).toBe('')
  })

  test('has types', async () => {
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const { stdout } = await run(process.execPath, [tsc, '-p', '.'], { cwd: project, env }).catch(
      (error: { stdout: string }) => error,
    )
    expect(stdout).toBe('')
  })

  test('has the command', async () => {
    const { stdout } = await run(join(project, 'node_modules/.bin/strata'), ['config', 'check'], {
      cwd: project,
    })
    expect(stdout).toBe('The settings are fine. Backend: embedded (neither Redis nor S3 is configured).\n')
  })
})

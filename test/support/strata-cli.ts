import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

export interface StrataProcess {
  readonly child: ChildProcess
  /** All log lines so far. */
  readonly lines: readonly string[]
  /** What it wrote to stderr so far. */
  stderr(): string
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
}

export interface ServingStrata extends StrataProcess {
  /** `http://127.0.0.1:<port>` */
  readonly base: string
  readonly port: number
}

/** The built command as a child process. `env` holds all of its `STRATA_*` variables: those of this process are not passed on. */
export function runStrata(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): StrataProcess {
  if (!existsSync(CLI)) throw new Error('dist/cli.js is missing: run npm run build first')
  const own = Object.entries(process.env).filter(([name]) => !/^(STRATA_|NODE_OPTIONS$)/.test(name))
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { ...Object.fromEntries(own), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  let stderr = ''
  createInterface({ input: child.stdout! }).on('line', line => lines.push(line))
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? signal!))
  })
  return { child, lines, stderr: () => stderr, ended }
}

/** `strata serve` on a free port, ready for requests. Throws with what it wrote when it ends before that. */
export async function serveStrata(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ServingStrata> {
  const strata = runStrata(['serve', '--port', '0', ...args], env)
  const port = await new Promise<number>((resolve, reject) => {
    createInterface({ input: strata.child.stdout! }).on('line', line => {
      const found = addressIn(line)
      if (found !== undefined) resolve(found)
    })
    strata.ended.then(code => {
      reject(new Error(`strata serve ended with ${code}:\n${strata.stderr()}${strata.lines.join('\n')}`))
    }, reject)
  })
  return { ...strata, port, base: `http://127.0.0.1:${port}` }
}

/** The start-up line says the addresses. */
function addressIn(line: string): number | undefined {
  if (!line.startsWith('{')) return undefined
  return (JSON.parse(line) as { addresses?: { port: number }[] }).addresses?.[0]?.port
}

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { FailpointMessage, FailpointOrder, Sabotage } from '../../../src/engine/failpoints.js'
import { Client } from './client.js'

const CLI = process.env.STRATA_TEST_CLI ?? fileURLToPath(new URL('../../../dist/cli.js', import.meta.url))
const KEPT_LINES = 400

/** One node: the built command as a process, with its failpoints. */
export class NodeProcess {
  readonly client: Client
  /** Log lines, the newest of them. */
  readonly lines: string[] = []
  /** Warnings, by name. */
  readonly warnings = new Map<string, number>()
  #child: ChildProcess | undefined
  #port = 0
  #orders = 0
  /** Before it listens, and since it was killed. */
  #killed = true
  readonly #reached = new Map<number, () => void>()

  constructor(
    readonly name: string,
    private readonly origin: string,
    private readonly env: Readonly<Record<string, string>>,
    private readonly sabotage: Sabotage = 'on',
  ) {
    this.client = new Client(() => this.#port)
  }

  get port(): number {
    return this.#port
  }

  /** Started, and not killed by us. */
  get running(): boolean {
    return this.#child !== undefined && !this.#killed
  }

  /** Starts it, again on the port that it had. */
  async start(): Promise<void> {
    if (!existsSync(CLI)) throw new Error(`${CLI} is missing: run npm run build first`)
    const own = Object.entries(process.env).filter(([name]) => !/^(STRATA_|NODE_OPTIONS$)/.test(name))
    const tests = { NODE_ENV: 'test', STRATA_TEST_FAILPOINTS: this.sabotage, STRATA_LOG_ACCESS: 'false' }
    const child = spawn(
      process.execPath,
      [CLI, 'serve', '--port', String(this.#port), '--origin', this.origin],
      {
        env: { ...Object.fromEntries(own), ...tests, ...this.env },
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      },
    )
    this.#child = child
    child.on('message', (message: { reached: number }) => this.#reached.get(message.reached)?.())
    // Its channel breaks when it is killed: that is what `exited` is for.
    child.on('error', () => undefined)
    child.stderr!.setEncoding('utf8').on('data', (text: string) => this.#log(text))
    this.#port = await new Promise<number>((resolve, reject) => {
      createInterface({ input: child.stdout! }).on('line', line => {
        this.#log(line)
        const found = /"addresses":\[\{[^}]*"port":(\d+)/.exec(line)
        if (found !== null) resolve(Number(found[1]))
      })
      child.once('close', (code, signal) =>
        reject(new Error(`${this.name} ended with ${signal ?? code}:\n${this.lines.join('\n')}`)),
      )
    })
    this.#killed = false
  }

  /** Gives an order; resolves to what takes it back, and lets go whom it holds. */
  order(order: Omit<FailpointOrder, 'id'>): { reached: Promise<void>; release: () => void } {
    const id = ++this.#orders
    const reached = new Promise<void>(resolve => this.#reached.set(id, resolve))
    const child = this.#child
    this.#send(child, { failpoint: { ...order, id } })
    return {
      reached,
      release: () => {
        this.#reached.delete(id)
        if (child === this.#child) this.#send(child, { release: id })
      },
    }
  }

  /** Resolves when the process has ended, by whatever. */
  async exited(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    if (this.#child === child) this.#child = undefined
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    // Its exit may be under way.
    if (this.running && this.#child?.exitCode === null) this.#child.kill(name)
  }

  async kill(): Promise<void> {
    this.#killed = true
    this.#child?.kill('SIGKILL')
    await this.exited()
  }

  async stop(): Promise<void> {
    await this.kill()
    this.client.close()
  }

  #send(child: ChildProcess | undefined, message: FailpointMessage): void {
    if (child?.connected === true) child.send(message, () => undefined)
  }

  #log(line: string): void {
    const what = /"what":"([^"]+)"/.exec(line)?.[1]
    if (what !== undefined) this.warnings.set(what, (this.warnings.get(what) ?? 0) + 1)
    this.lines.push(line)
    if (this.lines.length > KEPT_LINES) this.lines.shift()
  }
}

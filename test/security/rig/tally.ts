import { appendFileSync } from 'node:fs'
import { ask, type Answer, type Ask } from './wire.js'

/** Counts attacks. What succeeded is what a test fails by; the numbers of all files are added up by `npm run test:security`. */
export class Tally {
  tried = 0
  readonly succeeded: string[] = []

  /** `harm`: what the attack did, or undefined when it was stopped. */
  record(name: string, harm: string | undefined | false): void {
    this.tried++
    if (harm !== undefined && harm !== false) this.succeeded.push(`${name}: ${harm}`)
  }

  /** A clean client's request after the attack must be answered as if there had been none. */
  async victim(
    name: string,
    attacked: { port: number },
    control: { port: number },
    request: Ask,
  ): Promise<void> {
    this.compare(name, request, await ask(attacked.port, request), request, await ask(control.port, request))
  }

  /** The two must say the same, but for the targets that they were asked by. */
  compare(name: string, request: Ask, answer: Answer, controlRequest: Ask, never: Answer): void {
    const is = plain(answer).replaceAll(request.target, '{target}')
    const should = plain(never).replaceAll(controlRequest.target, '{target}')
    this.record(name, is !== should && difference(is, should))
  }

  /** For `afterAll`. */
  report(): void {
    const file = process.env.ATTACK_TALLY_FILE
    if (file !== undefined) appendFileSync(file, `${this.tried} ${this.succeeded.length}\n`)
  }
}

/** The lines that are in one alone. */
function difference(is: string, should: string): string {
  const [more, less] = [is.split('\n'), should.split('\n')]
  const lines = [
    ...more.filter(line => !less.includes(line)).map(line => `+${line}`),
    ...less.filter(line => !more.includes(line)).map(line => `-${line}`),
  ]
  return lines.join(' ').slice(0, 400)
}

/** What differs from one request to the next whoever asks. */
const CHANGING = new Set([
  'date',
  'age',
  'x-cache',
  'cache-status',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
])

function plain({ status, fields, body }: Answer): string {
  const kept = fields.filter(([name]) => !CHANGING.has(name.toLowerCase())).map(([n, v]) => `${n}: ${v}`)
  return [status, ...kept.sort(), '', body].join('\n')
}

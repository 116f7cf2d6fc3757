import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { lmdbMetadataStore } from '../../src/stores/embedded/index.js'
import { OpenGate } from '../../src/stores/embedded/open-gate.js'
import { isRunning, ownIdentity } from '../../src/stores/embedded/process-identity.js'

const support = (file: string) => fileURLToPath(new URL(`../support/${file}`, import.meta.url))
type Child = ChildProcessByStdio<Writable, Readable, null>

describe('the gate of an LMDB file', () => {
  let folder: string
  let database: string
  const children: Child[] = []
  const gates: OpenGate[] = []
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'strata.gate-'))
    database = join(folder, 'metadata.mdb')
  })
  afterEach(async () => {
    for (const gate of gates.splice(0)) gate.close()
    for (const child of children.splice(0)) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL')
        await once(child, 'close')
      }
    }
    await rm(folder, { recursive: true })
  })

  const gate = (patience?: number) => {
    gates.push(new OpenGate(database, patience))
    return gates.at(-1)!
  }
  const other = (step: string): Child => {
    const args = ['--import', support('typescript-loader.mjs'), support('embedded-worker.ts'), database, step]
    const env = { ...process.env, NODE_OPTIONS: '' }
    children.push(spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'inherit'] }))
    return children.at(-1)!
  }
  const holding = async (step: 'hold-open' | 'hold-write'): Promise<Child> => {
    const child = other(step)
    await once(child.stdout, 'data')
    return child
  }
  const marks = (kind: 'writers' | 'openers') => readdirSync(`${database}-${kind}`)
  const mark = (kind: 'writers' | 'openers', identity: string, ageMs: number) => {
    const path = join(`${database}-${kind}`, `${identity}.x`)
    writeFileSync(path, '1')
    utimesSync(path, new Date(), new Date(Date.now() - ageMs))
  }

  test('a write waits while another process opens the file', async () => {
    const store = lmdbMetadataStore({ path: folder })
    const opener = await holding('hold-open')
    let over = false
    const written = store.invalidate(['m']).then(() => (over = true))
    await pause(100)
    expect(over).toBe(false)
    opener.stdin.end('x')
    expect(await written).toBe(true)
    await store.close()
  })

  test('opening waits while another process writes', async () => {
    const writer = await holding('hold-write')
    const opener = other('open')
    const said = once(opener.stdout, 'data')
    expect(await Promise.race([said, pause(600, 'nothing')])).toBe('nothing')
    writer.stdin.end('x')
    expect(String(await said)).toBe('"in"\n')
  })

  test.each(['hold-write', 'hold-open'] as const)(
    'a process that is killed in the middle of %s is in nobody’s way, and leaves nothing',
    async step => {
      const child = await holding(step)
      child.kill('SIGKILL')
      await once(child, 'close')
      const mine = gate(50)
      expect(mine.open(() => 'opened')).toBe('opened')
      expect(await mine.write(async () => 'written')).toBe('written')
      expect(marks('writers')).toHaveLength(1)
      expect(readdirSync(folder)).toEqual(['metadata.mdb-writers'])
    },
  )

  test('nor is one that has ended and is still to be reaped by its parent, which is blocked by the gate', async () => {
    const child = await holding('hold-write')
    child.kill('SIGKILL')
    expect(gate(5_000).open(() => 'opened')).toBe('opened')
  })

  test('who is in the way and does not come to an end is named', async () => {
    const writer = await holding('hold-write')
    writer.kill('SIGSTOP')
    const mine = gate(50)
    expect(() => mine.open(() => 0)).toThrow(
      expect.objectContaining({
        code: 'STRATA_STORE_UNAVAILABLE',
        message: `process ${writer.pid} writes to the embedded database and has not come to an end for 0.05 s: let it go on, or end it`,
      }),
    )
    // Having given up, it keeps nobody from writing.
    expect(await mine.write(async () => 'written')).toBe('written')
  })

  test('a write that has waited in vain says for whom, and the next one goes on', async () => {
    const opener = await holding('hold-open')
    const mine = gate(50)
    const error = {
      code: 'STRATA_STORE_UNAVAILABLE',
      message: expect.stringContaining(`process ${opener.pid} opens`),
    }
    await expect(mine.write(async () => 0)).rejects.toMatchObject(error)
    expect(() => mine.writeSync(() => 0)).toThrow(expect.objectContaining(error))
    opener.stdin.end('x')
    await once(opener, 'close')
    expect(mine.writeSync(() => 'written')).toBe('written')
  })

  test('a PID that came back with another process is not taken for the one of the mark', () => {
    const mine = gate(50)
    const [pid, start, namespace] = ownIdentity().split('.')
    mark('writers', `${pid}.${Number(start) - 1}.${namespace}`, 0)
    expect(mine.open(() => 'opened')).toBe('opened')
    expect(marks('writers')).toHaveLength(1)
  })

  test('a mark of another container counts while it is young, and is not removed', () => {
    const mine = gate(50)
    mark('writers', '1.1.1', 0)
    expect(() => mine.open(() => 0)).toThrow('process 1 writes to the embedded database')
    mark('writers', '1.1.1', 60_000)
    expect(mine.open(() => 'opened')).toBe('opened')
    expect(marks('writers')).toHaveLength(2)
  })

  test('transactions that overlap keep the mark until the last is over; a failed one gives it back', async () => {
    const mine = gate(50)
    let finish!: () => void
    const one = mine.write(() => new Promise<void>(resolve => (finish = resolve)))
    await expect(mine.write(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    const opener = other('open')
    const said = once(opener.stdout, 'data')
    expect(await Promise.race([said, pause(600, 'nothing')])).toBe('nothing')
    finish()
    await one
    expect(String(await said)).toBe('"in"\n')
  })

  test('alone it has a term, which ends before another has opened the file and is another one afterwards', async () => {
    const mine = gate()
    mine.watch()
    expect(mine.term).toBeUndefined()
    const next = async () => {
      while (mine.term === undefined) await pause(10)
      return mine.term
    }
    const first = await next()
    const opener = await holding('hold-open')
    expect(mine.term).toBeUndefined()
    opener.stdin.end('x')
    await once(opener, 'close')
    expect(await next()).not.toBe(first)
  })

  test('what stands still loses its term by time, and keeps nobody out for longer', async () => {
    const mine = gate()
    mine.watch()
    while (mine.term === undefined) await pause(10)
    const term = mine.term
    const opener = other('hold-open')
    // Blocks this thread until the other process is in.
    const marked = () => readdirSync(folder).includes('metadata.mdb-openers')
    const sleeper = new Int32Array(new SharedArrayBuffer(4))
    while (!marked()) Atomics.wait(sleeper, 0, 0, 1)
    Atomics.wait(sleeper, 0, 0, 450)
    expect(mine.term).toBeUndefined()
    opener.stdin.end('x')
    await once(opener, 'close')
    while (mine.term === undefined) await pause(10)
    expect(mine.term).not.toBe(term)
  })

  test('identity: this process runs, another start of its PID and one that is gone do not, a stranger is unknown', () => {
    const [pid, start, namespace] = ownIdentity().split('.')
    expect(isRunning(ownIdentity())).toBe(true)
    expect(isRunning(`${pid}.${Number(start) + 1}.${namespace}`)).toBe(false)
    expect(isRunning(`999999999.1.${namespace}`)).toBe(false)
    expect(isRunning(`${pid}.${start}.1`)).toBeUndefined()
  })
})

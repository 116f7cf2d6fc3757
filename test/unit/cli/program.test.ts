import { afterEach, describe, expect, test } from '@jest/globals'
import { run } from '../../../src/cli/program.js'

/** What a command line writes, and its exit code. */
async function strata(...args: string[]) {
  let out = ''
  let err = ''
  const output = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) }
  const code = await run(['node', 'strata', ...args], output)
  return { code, out, err }
}

const before = { ...process.env }
afterEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('STRATA_')) delete process.env[name]
  Object.assign(process.env, before)
})

describe('strata serve', () => {
  test('wrong settings end with exit code 2, every fault by its path and no stack trace', async () => {
    const { code, err } = await strata(
      'serve',
      '--origin',
      'nonsense',
      '--port',
      '99999',
      '--backend',
      'disk',
    )
    expect(code).toBe(2)
    expect(err).toMatch(/^strata: 3 settings are wrong:\n/)
    expect(err).toMatch(/^ {2}origin: .+ \(from --origin\)$/m)
    expect(err).toMatch(/^ {2}port: .+ \(from --port\)$/m)
    expect(err).toMatch(/^ {2}backend: .+ \(from --backend\)$/m)
    expect(err).not.toMatch(/^\s+at /m)
  })

  test('an origin is needed', async () => {
    const { code, err } = await strata('serve')
    expect(code).toBe(2)
    expect(err).toMatch(/ {2}origin: is needed by strata serve/)
  })

  test('unknown flags and commands end with exit code 2', async () => {
    expect((await strata('serve', '--prot', '1')).code).toBe(2)
    expect((await strata('sevre')).code).toBe(2)
  })

  test('help lists the flags', async () => {
    const { code, out } = await strata('serve', '--help')
    expect(code).toBe(0)
    for (const flag of [
      '--origin <url>',
      '--redis-url <url>',
      '--admin-token-file <file>',
      '--no-access-log',
      '--config <file>',
    ]) {
      expect(out).toContain(flag)
    }
  })
})

describe('strata config', () => {
  test('check says the backend and why', async () => {
    const { code, out } = await strata('config', 'check', '--redis-url', 'redis://h', '--s3-bucket', 'tiles')
    expect(code).toBe(0)
    expect(out).toBe('The settings are fine. Backend: s3-redis (Redis and an S3 bucket are configured).\n')
  })

  test('check takes the environment', async () => {
    process.env.STRATA_PORT = 'x'
    const { code, err } = await strata('config', 'check')
    expect(code).toBe(2)
    expect(err).toMatch(/port: must be a number \(from STRATA_PORT\)/)
  })

  test('print shows what would be used, without secrets', async () => {
    process.env.STRATA_ADMIN_TOKEN = 'hunter2-hunter2'
    const { code, out } = await strata('config', 'print', '--port', '0', '--no-access-log')
    expect(code).toBe(0)
    expect(out).toMatch(/^port: 0$/m)
    expect(out).toMatch(/^ {2}access: false$/m)
    expect(out).toMatch(/token: "?\[redacted\]"?/)
    expect(out).not.toMatch(/hunter2/)
  })
})

test('strata settings lists every variable', async () => {
  const { code, out } = await strata('settings')
  expect(code).toBe(0)
  expect(out).toMatch(/STRATA_S3_BUCKET {2}--s3-bucket/)
  expect(JSON.parse((await strata('settings', '--format', 'json')).out)).toEqual(
    expect.arrayContaining([expect.objectContaining({ path: 'rules', env: 'STRATA_RULES' })]),
  )
})

test('strata --version', async () => {
  expect((await strata('--version')).out).toMatch(/^\d+\.\d+\.\d+/)
})

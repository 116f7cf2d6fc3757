import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { describeSettings, FLAGS, loadConfig, redact } from '../../../src/config/index.js'
import { nearest } from '../../../src/config/nearest.js'
import { envName } from '../../../src/config/settings-table.js'
import { parseBytes, parseMilliseconds } from '../../../src/config/units.js'

describe('the table of settings', () => {
  const rows = describeSettings()

  test('every setting has a description and a variable of its own', () => {
    for (const row of rows) expect(`${row.path} ${row.description}`).toMatch(/^\S+ \S.{9,}/)
    const names = rows.flatMap(row => (row.secret ? [row.env, `${row.env}_FILE`] : [row.env]))
    expect(new Set(names).size).toBe(names.length)
    expect(names).not.toContain('STRATA_CONFIG')
  })

  test('names are derived from the path', () => {
    expect(envName('s3.bucket')).toBe('STRATA_S3_BUCKET')
    expect(envName('limits.maxBodyBytes')).toBe('STRATA_LIMITS_MAX_BODY_BYTES')
    expect(envName('defaults.staleWhileRevalidate')).toBe('STRATA_DEFAULTS_STALE_WHILE_REVALIDATE')
  })

  test('every default stands in the loaded value, and nothing else does', () => {
    const config = loadConfig({}) as unknown as Record<string, unknown>
    const leaf = (path: string) =>
      path
        .split('.')
        .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], config)
    const derived = ['s3.forcePathStyle']
    for (const row of rows)
      if (!derived.includes(row.path)) expect([row.path, leaf(row.path)]).toEqual([row.path, row.default])
  })

  test('every setting can be set by its variable', () => {
    const samples: Record<string, string> = { text: 'x', number: '7', boolean: 'true', list: 'a', json: '[]' }
    for (const row of rows) {
      try {
        loadConfig({ env: { [row.env]: samples[row.kind] } })
      } catch (error) {
        // The sample need not be a good value, but it must have reached its setting.
        expect(String((error as Error).message)).toMatch(
          new RegExp(
            `  ${row.path.replaceAll('.', '\\.')}[:[]|redis\\.url: is needed|admin\\.jwt\\.\\w+: is needed|s3\\.\\w+: is missing`,
          ),
        )
      }
    }
  })

  test('flags name settings', () => {
    const paths = rows.map(row => row.path)
    for (const flag of FLAGS) expect(paths).toContain(flag.path)
    expect(rows.find(row => row.path === 'redis.url')!.flag).toBe('--redis-url')
  })
})

test('print hides secrets', () => {
  const config = loadConfig({
    options: {
      admin: { token: 'hunter2-hunter2' },
      redis: { url: 'redis://joe:hunter2@h:1/0', password: 'hunter2' },
      s3: { accessKeyId: 'hunter2', secretAccessKey: 'hunter2', sessionToken: 'hunter2' },
    },
  })
  const text = JSON.stringify(redact(config))
  expect(text).not.toMatch(/hunter2|joe/)
  expect(text).toMatch(/redis:\/\/redacted:redacted@h:1\/0/)
  expect(config.admin.token).toBe('hunter2-hunter2')
})

describe('units', () => {
  test.each([
    [1024, 1024],
    ['512', 512],
    ['512MB', 512e6],
    ['1GiB', 1024 ** 3],
    ['1.5 kib', 1536],
    ['2k', 2048],
  ])('%j is %d bytes', (text, size) => expect(parseBytes(text)).toBe(size))

  test.each([-1, 1.5, '', 'MB', '1 ZB', '-1', '1e9', '1,5MB', Number.NaN, Infinity])('%j is no size', text =>
    expect(parseBytes(text)).toBeUndefined(),
  )

  test.each([
    [5, 's', 5000],
    [5, 'ms', 5],
    ['5', 's', 5000],
    ['250ms', 's', 250],
    ['1.5h', 'ms', 5_400_000],
    ['7d', 's', 604_800_000],
  ] as const)('%j counted in %s is %d ms', (text, unit, ms) => expect(parseMilliseconds(text, unit)).toBe(ms))

  test('whole numbers with a unit keep their value', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.constantFrom(['', 1], ['B', 1], ['KiB', 1024], ['mb', 1e6]),
        (n, [unit, factor]) => {
          expect(parseBytes(`${n}${unit}`)).toBe(n * (factor as number))
        },
      ),
      { numRuns: 200 },
    )
  })
})

test('guesses: near words only', () => {
  expect(nearest('buckte', ['bucket', 'endpoint'])).toBe('bucket')
  expect(nearest('TTL', ['ttl', 'tags'])).toBe('ttl')
  expect(nearest('zzzzzz', ['bucket', 'endpoint'])).toBeUndefined()
})

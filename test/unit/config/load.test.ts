import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { ConfigSources } from '../../../src/config/index.js'
import { ConfigError, loadConfig, resolveBackend, toEngineSettings } from '../../../src/config/index.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'strata-config-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

/** The faults as `path: message`. */
function faultsOf(sources: ConfigSources): string[] {
  try {
    loadConfig(sources)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as ConfigError).faults.map(({ path, message }) => `${path}: ${message}`)
  }
  throw new Error('the settings were taken')
}

describe('defaults', () => {
  test('hold without any source', () => {
    const config = loadConfig({})
    expect(config).toMatchObject({
      port: 8080,
      host: '127.0.0.1',
      namespace: 'default',
      dataDir: './.strata',
    })
    expect(config.origin).toBeUndefined()
    expect(config.http.targetedFields).toEqual(['Strata-Cache-Control', 'CDN-Cache-Control'])
    expect(config.limits.maxBodyBytes).toBe(5 * 1024 ** 3)
    expect(config.defaults).toEqual({
      cookies: 'bypass',
      setCookie: 'refuse',
      unkeyedFields: 'vary',
      coalesce: true,
      coalesceAcrossNodes: true,
      requestDirectives: 'only-if-cached',
      noVarySearch: false,
    })
  })

  test('the value is frozen all the way down', () => {
    const config = loadConfig({ options: { rules: [{ match: '/a', query: { ignore: ['x'] } }] } })
    expect(Object.isFrozen(config)).toBe(true)
    expect(Object.isFrozen(config.limits)).toBe(true)
    expect(Object.isFrozen(config.rules[0]!.query!.ignore)).toBe(true)
  })

  test('the engine gets its part and nothing else', () => {
    const settings = toEngineSettings(loadConfig({ options: { memory: { maxBytes: 0 } } }))
    expect(Object.keys(settings).sort()).toEqual(
      [
        'defaults',
        'http',
        'limits',
        'memory',
        'refreshAfterPurge',
        'rules',
        'sweep',
        'tiers',
        'tiles',
        'warm',
      ].sort(),
    )
    expect(settings.memory.maxBytes).toBe(0)
  })
})

describe('sources', () => {
  test('flags win over environment, environment over file, file over defaults; options over all', () => {
    const file = write(
      'c.yaml',
      'port: 1\nhost: file\nnamespace: file\ndataDir: file\nlimits: { maxTags: 7 }\n',
    )
    const env = {
      STRATA_PORT: '2',
      STRATA_HOST: 'env',
      STRATA_NAMESPACE: 'env',
      STRATA_LIMITS_MAX_VARIANTS: '3',
    }
    const config = loadConfig({ file, env, flags: { port: '4', host: 'flag' }, options: { port: 5 } })
    expect(config).toMatchObject({ port: 5, host: 'flag', namespace: 'env', dataDir: 'file' })
    expect(config.limits).toMatchObject({ maxTags: 7, maxVariants: 3, maxMarks: 1024 })
  })

  test('a JSON file', () => {
    const file = write(
      'c.json',
      '{"origin": "http://127.0.0.1:9000", "redis": {"url": "redis://h"}, "s3": {"bucket": "tiles", "endpoint": "http://s3:9000", "region": "eu-1"},' +
        ' "rules": [{"match": "/tiles/**", "ttl": 86400}]}',
    )
    const config = loadConfig({ file })
    expect(config.rules).toEqual([{ match: '/tiles/**', ttl: 86400 }])
    expect(config.s3).toMatchObject({ bucket: 'tiles', region: 'eu-1', forcePathStyle: true })
    expect(resolveBackend(config).backend).toBe('s3-redis')
  })

  test('an empty file and empty sections say nothing', () => {
    expect(loadConfig({ file: write('c.yaml', '') }).port).toBe(8080)
    expect(loadConfig({ file: write('d.yaml', 'redis:\nport:\n') })).toMatchObject({ port: 8080 })
  })

  test('STRATA_CONFIG names the file, a file argument wins', () => {
    const one = write('one.yaml', 'port: 1')
    const two = write('two.yaml', 'port: 2')
    expect(loadConfig({ env: { STRATA_CONFIG: one } }).port).toBe(1)
    expect(loadConfig({ env: { STRATA_CONFIG: one }, file: two }).port).toBe(2)
  })

  test('environment: units, lists, JSON, switches, empty values, foreign and test variables', () => {
    const config = loadConfig({
      env: {
        STRATA_LIMITS_MAX_STORE_BYTES: '1GiB',
        STRATA_MEMORY_MAX_BYTES: '0',
        STRATA_HTTP_KEEP: '10m',
        STRATA_TIERS_TIMEOUT_MS: '2s',
        STRATA_PROXY_TRUST_PROXY: 'loopback, 10.0.0.0/8',
        STRATA_HTTP_TARGETED_FIELDS: '["A","B"]',
        STRATA_RULES: '[{"match":"/a","ttl":"1h"}]',
        STRATA_DEFAULTS_STATUS_TTL: '{"404": 60}',
        STRATA_DEFAULTS_QUERY_SORT: 'yes',
        STRATA_LOG_ACCESS: 'off',
        STRATA_ORIGIN: '',
        STRATA_TEST_ANYTHING: 'x',
        PATH: '/bin',
      },
    })
    expect(config.limits.maxStoreBytes).toBe(1024 ** 3)
    expect(config.memory.maxBytes).toBe(0)
    expect(config.http.keep).toBe(600)
    expect(config.tiers.timeoutMs).toBe(2000)
    expect(config.proxy.trustProxy).toEqual(['loopback', '10.0.0.0/8'])
    expect(config.http.targetedFields).toEqual(['A', 'B'])
    expect(config.rules).toEqual([{ match: '/a', ttl: 3600 }])
    expect(config.defaults).toMatchObject({ statusTtl: { '404': 60 }, query: { sort: true } })
    expect(config.log.access).toBe(false)
    expect(config.origin).toBeUndefined()
  })

  test('secrets come from files as well, without the line end', () => {
    const file = write('token', 'correct-horse\n')
    expect(loadConfig({ env: { STRATA_ADMIN_TOKEN_FILE: file } }).admin.token).toBe('correct-horse')
    expect(loadConfig({ flags: { 'admin-token-file': file } }).admin.token).toBe('correct-horse')
    expect(faultsOf({ env: { STRATA_ADMIN_TOKEN_FILE: file, STRATA_ADMIN_TOKEN: 'other-token' } })).toEqual([
      "STRATA_ADMIN_TOKEN_FILE: can't go with STRATA_ADMIN_TOKEN: keep one of the two",
    ])
    expect(faultsOf({ env: { STRATA_REDIS_PASSWORD_FILE: join(folder, 'none') } })).toEqual([
      'redis.password: STRATA_REDIS_PASSWORD_FILE names a file that does not exist: check the path',
    ])
  })

  test('--no-access-log', () => {
    expect(loadConfig({ flags: { 'no-access-log': true } }).log.access).toBe(false)
  })
})

describe('faults', () => {
  test('all at once, each by its path', () => {
    const file = write(
      'c.yaml',
      'port: 70000\norigin: ftp://x\nrules:\n  - match: /a\n    ttl: soon\n  - ttl: 5\n    cookeis: strip\nlimts: {}\nlimits: { maxBodyBytes: 5 parsecs }\n',
    )
    expect(faultsOf({ file }).sort()).toEqual(
      [
        'port: must be at most 65535',
        'origin: must be an http or https URL, such as "http://127.0.0.1:9000"',
        'rules[0].ttl: must be a duration: a number of seconds, or text such as "90s", "10m" or "7d"',
        'rules[1].match: must be a glob over the path such as "/tiles/**", or a list of them',
        'rules[1].cookeis: is no setting of Strata: did you mean "cookies"?',
        'limts: is no setting of Strata: did you mean "limits"?',
        'limits.maxBodyBytes: must be a size: a number of bytes, or text such as "512MB" or "1GiB"',
      ].sort(),
    )
  })

  test('say which variable or flag they come from', () => {
    expect(
      faultsOf({ env: { STRATA_PORT: 'eighty', STRATA_LOG_ACCESS: 'maybe', STRATA_RULES: '[{' } }),
    ).toEqual([
      'log.access: must be true or false (from STRATA_LOG_ACCESS)',
      'rules: must be JSON (from STRATA_RULES)',
      'port: must be a number (from STRATA_PORT)',
    ])
    expect(faultsOf({ flags: { port: '-1' } })).toEqual(['port: must be at least 0 (from --port)'])
    expect(faultsOf({ flags: { backend: 'mongo' } })).toEqual([
      'backend: must be one of "memory", "embedded", "redis", "s3-redis" (from --backend)',
    ])
  })

  test('unknown variables, with a guess', () => {
    expect(faultsOf({ env: { STRATA_REDIS_ULR: 'x', STRATA_QWERTZUIOP: '1' } })).toEqual([
      'STRATA_REDIS_ULR: is no setting of Strata: did you mean STRATA_REDIS_URL?',
      'STRATA_QWERTZUIOP: is no setting of Strata: unset it (strata settings lists all)',
    ])
  })

  test('files that are missing, damaged or no object', () => {
    expect(faultsOf({ file: '/nowhere/c.yaml' })).toEqual(['/nowhere/c.yaml: does not exist: check the path'])
    const damaged = write('c.json', '{"admin": {"token": "hunter2-hunter2"')
    expect(faultsOf({ file: damaged })[0]).toMatch(/c\.json: is not valid YAML or JSON at line 1, column \d+/)
    expect(faultsOf({ file: write('d.yaml', '- 1') })[0]).toMatch(/must hold settings/)
  })

  test.each([
    ['backend', { backend: 'redis' as const }, 'redis.url'],
    ['backend s3-redis', { backend: 's3-redis' as const, redis: { url: 'redis://h' } }, 's3.bucket'],
    ['bucket alone', { s3: { bucket: 'tiles' } }, 'redis.url'],
    ['two Redis', { redis: { url: 'redis://h', cluster: ['h:1'] } }, 'redis.cluster'],
    ['half a key pair', { s3: { accessKeyId: 'a' } }, 's3.secretAccessKey'],
  ])('%s lacks something', (_name, options, path) => {
    expect(faultsOf({ options }).map(fault => fault.split(':')[0])).toEqual([path])
  })

  test.each([
    ['port', { port: 1.5 }],
    ['origin', { origin: 'http://u:p@h' }],
    ['origin', { origin: 'http://h/path' }],
    ['origin', { origin: 'http://h?' }],
    ['namespace', { namespace: 'a:b' }],
    ['admin.path', { admin: { path: '/admin/' } }],
    ['admin.token', { admin: { token: 'short' } }],
    ['proxy.trustProxy[0]', { proxy: { trustProxy: ['10.0.0.0/33'] } }],
    ['s3.partSizeBytes', { s3: { partSizeBytes: '1MiB' } }],
    ['http.heuristicFraction', { http: { heuristicFraction: 2 } }],
    ['redis.cluster[0]', { redis: { cluster: ['host'] } }],
    ['rules[0].statusTtl.6xx', { rules: [{ match: '/a', statusTtl: { '6xx': 1 } }] }],
    ['rules[0].keyHeaders[0]', { rules: [{ match: '/a', keyHeaders: ['a b'] }] }],
    ['profile', { profile: '../../etc/passwd' }],
    ['profile', { profile: 'unheard-of' }],
  ])('%s of %j', (path, options) => {
    expect(faultsOf({ options }).map(fault => fault.slice(0, fault.indexOf(': ')))).toEqual([path])
  })

  test('a key __proto__ is refused like any other', () => {
    expect(faultsOf({ file: write('c.json', '{"__proto__": {"port": 1}}') })).toHaveLength(1)
    expect(({} as { port?: number }).port).toBeUndefined()
  })

  test('never hold a secret', () => {
    const secret = 'hunter2 hunter2'
    const env = {
      STRATA_ADMIN_TOKEN: secret,
      STRATA_REDIS_URL: `http://:${encodeURIComponent(secret)}@h`,
      STRATA_S3_ENDPOINT: `http://u:${encodeURIComponent(secret)}@h`,
      STRATA_S3_SECRET_ACCESS_KEY: secret,
      STRATA_REDIS_CLUSTER: `["${secret}"`,
    }
    const faults = faultsOf({ env, file: write('c.yaml', `admin: { token: [${secret} }\n  x`) })
    expect(faults.length).toBeGreaterThanOrEqual(4)
    expect(faults.join('\n')).not.toMatch(/hunter2/)
  })

  test('the error lists them, one a line', () => {
    expect(() => loadConfig({ options: { port: -1 } })).toThrow(
      '1 setting is wrong:\n  port: must be at least 0',
    )
  })
})

describe('backend', () => {
  test.each([
    [{}, 'embedded'],
    [{ backend: 'memory' as const }, 'memory'],
    [{ redis: { url: 'redis://h:6379' } }, 'redis'],
    [{ redis: { cluster: ['a:1', '[::1]:2'] } }, 'redis'],
    [{ redis: { url: 'rediss://h' }, s3: { bucket: 'tiles' } }, 's3-redis'],
    [{ backend: 'embedded' as const, s3: { bucket: 'tiles' } }, 'embedded'],
  ])('%j → %s', (options, backend) => {
    const choice = resolveBackend(loadConfig({ options }))
    expect(choice.backend).toBe(backend)
    expect(choice.why).not.toBe('')
  })
})

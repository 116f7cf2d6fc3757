import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { loadConfig, resolveBackend } from '../../../src/config/index.js'

/** There is no Docker here: this holds the container files together by what they say about one another. */

const root = fileURLToPath(new URL('../../../', import.meta.url))
const read = (name: string) => readFileSync(root + name, 'utf8')

interface Service {
  image?: string
  build?: { context: string; target: string }
  entrypoint?: string[]
  environment?: Record<string, string>
  depends_on?: Record<string, { condition: string }>
  healthcheck?: { test?: string[]; disable?: boolean }
  volumes?: string[]
}
interface Compose {
  services: Record<string, Service>
  volumes: Record<string, unknown>
}

const dockerfile = read('Dockerfile')
const { services, volumes } = parse(read('docker-compose.yml')) as Compose
/** `${NAME:-value}` → value, as compose does without an environment. */
const plain = (env: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, value.replace(/\$\{\w+:-([^}]*)\}/g, '$1')]),
  )
/** The lines of a build stage. */
const stage = (name: string) =>
  dockerfile.split(/^FROM /m).find(text => new RegExp(`^\\S+ AS ${name}\\n`).test(text))

describe('docker-compose.yml', () => {
  test('has the cache, its two stores, the bucket and an origin', () => {
    expect(Object.keys(services).sort()).toEqual(['bucket', 'origin', 's3', 'strata', 'valkey'])
  })

  test.each(Object.entries(services))('%s can be built or pulled', (_name, { image, build }) => {
    if (build) expect(stage(build.target)).toBeDefined()
    else expect(image).toMatch(/.:/)
  })

  test("Strata takes its variables, on Redis and S3, and the bucket's are the same", () => {
    const env = plain(services.strata!.environment!)
    const config = loadConfig({ env })
    expect(resolveBackend(config).backend).toBe('s3-redis')
    expect(config.s3.forcePathStyle).toBe(true)
    for (const [name, value] of Object.entries(services.bucket!.environment!)) {
      expect([name, services.strata!.environment![name]]).toEqual([name, value])
    }
    expect(services.s3!.environment!.RUSTFS_ACCESS_KEY).toBe(
      services.strata!.environment!.STRATA_S3_ACCESS_KEY_ID,
    )
    expect(services.s3!.environment!.RUSTFS_SECRET_KEY).toBe(
      services.strata!.environment!.STRATA_S3_SECRET_ACCESS_KEY,
    )
  })

  test('hosts that are named are services', () => {
    for (const url of Object.values(plain(services.strata!.environment!)).filter(value =>
      value.includes('://'),
    )) {
      expect(Object.keys(services)).toContain(new URL(url).hostname)
    }
  })

  test('who waits for health waits for a service that has a health check', () => {
    const waits = Object.values(services).flatMap(({ depends_on }) => Object.entries(depends_on ?? {}))
    expect(waits).toHaveLength(4)
    for (const [name, { condition }] of waits) {
      const { healthcheck, build } = services[name]!
      if (condition === 'service_completed_successfully') expect(healthcheck).toEqual({ disable: true })
      else expect(healthcheck?.test ?? stage(build!.target)!.match(/HEALTHCHECK/)).toBeTruthy()
    }
  })

  test('volumes that are used are declared', () => {
    const used = Object.values(services).flatMap(service => service.volumes ?? [])
    expect(used.map(volume => volume.split(':')[0]).sort()).toEqual(Object.keys(volumes).sort())
  })
})

describe('Dockerfile', () => {
  test('what it copies is there, and not left out', () => {
    const left = read('.dockerignore').split('\n')
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(match =>
      match[1]!.split(' '),
    )
    expect(copied.length).toBeGreaterThan(8)
    for (const name of copied) {
      expect([name, existsSync(root + name)]).toEqual([name, true])
      expect(left).not.toContain(name.split('/')[0])
    }
  })

  test('does not run as root, and can say whether it is well', () => {
    for (const name of ['strata', 'demo-origin']) {
      expect(stage(name)).toMatch(/^USER node$/m)
      expect(stage(name)).toMatch(/^HEALTHCHECK .+\n\s+CMD \["node", "-e", ".+\/health.+"\]$/m)
    }
  })

  test('its variables are settings', () => {
    const line = /^ENV (NODE_ENV=.+)$/m.exec(stage('strata')!)![1]!
    const env = Object.fromEntries(line.split(' ').map(pair => pair.split('=') as [string, string]))
    expect(loadConfig({ env })).toMatchObject({ host: '0.0.0.0', port: 8080, dataDir: '/data' })
  })
})

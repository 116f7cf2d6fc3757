import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { describeSettings, loadConfig, resolveBackend } from '../../../src/config/index.js'
import { renderSettings } from '../../../src/cli/render-settings.js'

const folder = fileURLToPath(new URL('../../../config/', import.meta.url))
const yamlFiles = (path: string) => readdirSync(path).filter(name => name.endsWith('.yaml'))

describe('config/strata.yaml', () => {
  test('says the defaults, all of them', () => {
    expect(loadConfig({ file: `${folder}strata.yaml` })).toEqual(loadConfig({}))
  })

  test('is what the command prints (node dist/cli.js settings --format yaml > config/strata.yaml)', () => {
    expect(readFileSync(`${folder}strata.yaml`, 'utf8')).toBe(renderSettings('yaml'))
  })

  test('has a line for every setting, in use or commented out', () => {
    const whole = renderSettings('yaml').replace(/^( *)# (\w+):$/gm, '$1$2:')
    const paths = [...leaves(parse(whole) as Record<string, unknown>)]
    expect(paths.sort()).toEqual(
      describeSettings()
        .map(row => row.path)
        .sort(),
    )
  })
})

/** The dotted paths of a tree's ends. */
function* leaves(tree: Record<string, unknown>, above = ''): Generator<string> {
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      yield* leaves(value as Record<string, unknown>, `${above}${key}.`)
    } else yield above + key
  }
}

describe('examples', () => {
  const examples = yamlFiles(`${folder}examples`)

  test('are there', () => expect(examples).toEqual(['api.yaml', 'redis-s3.yaml', 'tiles-titiler.yaml']))

  test.each(examples)('%s is taken', name => {
    const config = loadConfig({ file: `${folder}examples/${name}` })
    expect(config.origin).toMatch(/^http/)
    expect(config.rules.length).toBeGreaterThan(0)
    expect(resolveBackend(config).backend).toBe(name === 'redis-s3.yaml' ? 's3-redis' : 'embedded')
  })
})

test.each(yamlFiles(folder).filter(name => name !== 'strata.yaml'))('profile %s is taken', name => {
  const profile = name.replace(/\.yaml$/, '')
  expect(loadConfig({ options: { profile } }).profile).toBe(profile)
})

test('the table for the docs has a row for every setting', () => {
  expect(renderSettings('markdown')).toMatch(/\| `s3\.bucket` \| `STRATA_S3_BUCKET` \| `--s3-bucket` \|/)
  expect(renderSettings('text')).toMatch(/limits\.maxBodyBytes = 5GiB\n {2}STRATA_LIMITS_MAX_BODY_BYTES\n/)
})

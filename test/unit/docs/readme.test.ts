import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { profileTable, withSections } from '../../../scripts/docs-sections.mjs'
import { renderSettings } from '../../../src/cli/render-settings.js'

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const readme = read('README.md')

describe('README', () => {
  test('has the settings and the profile as the source has them (npm run docs)', () => {
    const sections = {
      settings: renderSettings('markdown'),
      profile: profileTable(read('config/conformance.yaml')),
    }
    expect(readme).toBe(withSections(readme, sections))
  })

  test('gives every setting of the profile a reason', () => {
    const rows = profileTable(read('config/conformance.yaml')).trim().split('\n').slice(2)
    expect(rows.length).toBeGreaterThan(5)
    for (const row of rows) expect(row).toMatch(/^\| `\w+\.\w+` \| `[^`]+` \| \S.{20,} \|$/)
  })

  test.each(reasons())('explains the reason %s', reason => {
    const explained = readme
      .split('\n')
      .filter(line => line.startsWith('|') && line.includes(`\`${reason}\``))
    expect(explained).not.toEqual([])
  })

  test('links to what is there', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(match => match[1]!)
    expect(links.length).toBeGreaterThan(5)
    for (const path of links.filter(link => /\.\w+$/.test(link))) expect(() => read(path)).not.toThrow()
  })
})

/** The words that can stand in `detail`, out of the source: a new one needs a line in README. */
function reasons(): string[] {
  const union = (path: string, name: string) => {
    const found = new RegExp(`type ${name} =([^]*?)\\n\\n`).exec(read(path))
    if (found === null) throw new Error(`${path} has no type ${name}`)
    return [...found[1]!.matchAll(/'([\w-]+)'/g)].map(match => match[1]!)
  }
  const returned = (path: string, name: string) => {
    const body = new RegExp(`function ${name}\\([^]*?\\n}\\n`).exec(read(path))
    if (body === null) throw new Error(`${path} has no function ${name}`)
    return [...body[0].matchAll(/return '([\w-]+)'/g)].map(match => match[1]!)
  }
  const refusals = union('src/http/storable.ts', 'StoreRefusal').filter(reason => reason !== 'rule-bypass')
  const sources = union('src/http/freshness.ts', 'FreshnessSource').filter(source => source !== 'none')
  const bypasses = returned('src/engine/forward.ts', 'bypassReason')
  const demands = returned('src/http/decide.ts', 'requestDemand')
  return [...new Set([...refusals, ...sources, ...bypasses, ...demands])]
}

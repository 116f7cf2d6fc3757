import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const decisions = readdirSync(`${root}docs/decisions`).map(name => `docs/decisions/${name}`)
const pages = ['docs/architecture.md', 'CONTRIBUTING.md', 'SECURITY.md', ...decisions]

describe.each(pages)('%s', page => {
  const text = readFileSync(root + page, 'utf8')

  test('names files that are there', () => {
    const named = [...text.matchAll(/`((?:src|test|config|docs|scripts|demo|bench)\/[\w./-]+)`/g)].map(
      m => m[1]!,
    )
    expect(named.filter(path => !existsSync(root + path))).toEqual([])
  })

  test('names scripts that are there', () => {
    const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
      scripts: Record<string, string>
    }
    const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map(m => m[1]!)
    expect(named.filter(name => scripts[name] === undefined)).toEqual([])
  })

  test('links to what is there', () => {
    const folder = page.slice(0, page.lastIndexOf('/') + 1)
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(m => m[1]!)
    expect(links.filter(link => !existsSync(root + folder + link))).toEqual([])
  })
})

test('decisions have numbers of their own, without gaps, and say them in their titles', () => {
  const numbered = decisions.filter(path => /\/\d{4}-/.test(path)).sort()
  expect(numbered.length).toBeGreaterThan(10)
  for (const [i, path] of numbered.entries()) {
    expect(path).toContain(`/${String(i + 1).padStart(4, '0')}-`)
    expect(readFileSync(root + path, 'utf8')).toMatch(new RegExp(`^# ${i + 1}\\. `))
  }
})

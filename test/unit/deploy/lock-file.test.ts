import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'

interface Locked {
  readonly version: string
  readonly inBundle?: boolean
  readonly optional?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const { packages } = JSON.parse(
  readFileSync(new URL('../../../package-lock.json', import.meta.url), 'utf8'),
) as {
  packages: Readonly<Record<string, Locked>>
}

/** The package as the one at `from` finds it: nearest node_modules first. */
function resolve(name: string, from: string): Locked | undefined {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules') - 1))) {
    const found = packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`]
    if (found !== undefined || at === '') return found
  }
}

const wanted = Object.entries(packages)
  .filter(([, { inBundle }]) => inBundle !== true)
  .flatMap(([from, { optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies).map(([name, version]) => ({ from, name, version })),
  )

describe('package-lock.json', () => {
  test('has packages with optional ones to look at', () => expect(wanted.length).toBeGreaterThan(20))

  // npm leaves those of other platforms out when it writes the file on a machine that has one of them installed, or can't get
  // them; `npm ci` then refuses to begin, and `npm ci && npm start` is what a new user types first.
  test('has the prebuilt binaries of every platform, not only of the one it was written on', () => {
    const missing = wanted.filter(({ name, from }) => resolve(name, from) === undefined)
    expect(missing).toEqual([])
  })

  test('has them in the version that is asked for, where that is one version', () => {
    const exact = wanted.filter(({ version }) => /^\d+\.\d+\.\d+$/.test(version))
    const other = exact.filter(({ name, from, version }) => resolve(name, from)?.version !== version)
    expect(other).toEqual([])
  })
})

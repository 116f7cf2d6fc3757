import { stringify } from 'yaml'
import type { Setting } from '../config/index.js'
import { describeSettings } from '../config/index.js'
import type { Format } from './program.js'

/** The table of settings: for the terminal, for the docs, or as the commented `config/strata.yaml`. */
export function renderSettings(format: Format): string {
  const rows = describeSettings()
  switch (format) {
    case 'json':
      return `${JSON.stringify(rows, null, 2)}\n`
    case 'markdown':
      return markdown(rows)
    case 'yaml':
      return yaml(rows)
    case 'text':
      return rows.map(text).join('\n')
  }
}

function text({ path, env, flag, secret, default: value, description }: Setting): string {
  const names = [env, ...(secret ? [`${env}_FILE`] : []), ...(flag === '' ? [] : [flag])].join('  ')
  return `${path} = ${value === undefined ? '(none)' : readable(path, value)}\n  ${names}\n  ${description}\n`
}

function markdown(rows: readonly Setting[]): string {
  const head = '| setting | variable | flag | default | what it does |\n| --- | --- | --- | --- | --- |\n'
  const code = (value: string) => `\`${value.replaceAll('|', '\\|')}\``
  return (
    head +
    rows
      .map(({ path, env, flag, default: value, description }) => {
        const shown = value === undefined ? '' : code(readable(path, value))
        return `| ${code(path)} | ${code(env)} | ${flag === '' ? '' : code(flag)} | ${shown} | ${description.replaceAll('|', '\\|')} |\n`
      })
      .join('')
  )
}

const HEAD = `# Every setting of Strata with its default. Copy what you change into a file of your own and start with
# strata serve --config FILE. Flags win over STRATA_* variables, they win over this file.
# Sizes are bytes or text such as "512MB" (thousands) and "1GiB" (1,024s). Durations are seconds, those with a name in
# Ms milliseconds, or text such as "250ms", "30s", "10m", "7d".
# This file is made by: node dist/cli.js settings --format yaml > config/strata.yaml
`

function yaml(rows: readonly Setting[]): string {
  const lines = [HEAD.trimEnd()]
  let section = ''
  for (const { path, default: value, description } of rows) {
    const keys = path.split('.')
    const key = keys.pop()!
    const indent = '  '.repeat(keys.length)
    if (keys.length < 2) lines.push(...(keys.join('.') !== section || section === '' ? [''] : []))
    if (keys.join('.') !== section) lines.push(heading(keys, rows))
    section = keys.join('.')
    lines.push(`${indent}# ${description}`)
    lines.push(value === undefined ? `${indent}# ${key}:` : `${indent}${key}: ${inYaml(path, value)}`)
  }
  return `${lines.join('\n')}\n`
}

/** A section without any default is a comment, its heading too: an empty one would say null. */
function heading(keys: readonly string[], rows: readonly Setting[]): string {
  const inside = rows.filter(({ path }) => path.startsWith(`${keys.join('.')}.`))
  const empty = inside.every(row => row.default === undefined)
  return `${'  '.repeat(keys.length - 1)}${empty ? '# ' : ''}${keys.at(-1)!}:`
}

function inYaml(path: string, value: unknown): string {
  if (isSize(path, value)) return size(value)
  return stringify(value, {
    collectionStyle: 'flow',
    flowCollectionPadding: false,
    singleQuote: true,
    lineWidth: 0,
  }).trim()
}

function readable(path: string, value: unknown): string {
  if (isSize(path, value)) return size(value)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function isSize(path: string, value: unknown): value is number {
  return path.endsWith('Bytes') && typeof value === 'number'
}

/** The largest unit that divides it. */
function size(bytes: number): string {
  for (const [unit, factor] of [
    ['GiB', 1024 ** 3],
    ['MiB', 1024 ** 2],
    ['KiB', 1024],
  ] as const) {
    if (bytes > 0 && bytes % factor === 0) return `${bytes / factor}${unit}`
  }
  return String(bytes)
}

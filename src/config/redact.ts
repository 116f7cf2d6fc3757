import type { StrataConfig } from './schema.js'
import { describeSettings } from './settings-table.js'
import type { Tree } from './tree.js'
import { isTree, setAt } from './tree.js'

const REDACTED = '[redacted]'

/** A copy fit for print: secrets are replaced; of a URL only its user name and password. */
export function redact(config: StrataConfig): Tree {
  const copy = structuredClone(config) as unknown as Tree
  for (const { path, secret } of describeSettings()) {
    const value = secret ? at(copy, path) : undefined
    if (typeof value === 'string')
      setAt(copy, path, path.endsWith('.url') ? withoutCredentials(value) : REDACTED)
  }
  return copy
}

function at(tree: Tree, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (isTree(value) ? value[key] : undefined), tree)
}

function withoutCredentials(text: string): string {
  const url = new URL(text)
  if (url.username === '' && url.password === '') return text
  url.username = 'redacted'
  url.password = 'redacted'
  return url.href
}

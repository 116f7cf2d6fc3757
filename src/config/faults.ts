import type { z } from 'zod'
import { StrataError } from '../errors.js'
import { nearest } from './nearest.js'

/** One thing that is wrong with the settings. */
export interface Fault {
  /** Where: `rules[0].ttl`, or an environment variable or file that could not be read. */
  readonly path: string
  /** What is wrong and what to do. Never holds the value: it may be a secret. */
  readonly message: string
}

/** The settings can't be used. `faults` has every reason, and the message lists them, one a line. */
export class ConfigError extends StrataError {
  readonly faults: readonly Fault[]

  constructor(faults: readonly Fault[]) {
    const noun = faults.length === 1 ? 'setting is wrong' : 'settings are wrong'
    super(
      'STRATA_CONFIG',
      [`${faults.length} ${noun}:`, ...faults.map(f => `  ${f.path}: ${f.message}`)].join('\n'),
    )
    this.name = 'ConfigError'
    this.faults = faults
  }
}

/** `['rules', 0, 'ttl']` → `rules[0].ttl`. */
export function pathText(path: readonly PropertyKey[]): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else text += text === '' ? String(part) : `.${String(part)}`
  }
  return text === '' ? '(top level)' : text
}

/**
 * What zod found, as faults.
 * @param keysAt the keys that may stand at a path, for "did you mean"
 * @param sourceOf where the value at a path came from, e.g. `STRATA_PORT`
 */
export function faultsOf(
  issues: readonly z.core.$ZodIssue[],
  keysAt: (path: readonly PropertyKey[]) => readonly string[],
  sourceOf: (path: string) => string | undefined,
): Fault[] {
  const faults: Fault[] = []
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) {
        const path = pathText([...issue.path, key])
        faults.push({ path, message: unknownKey(key, keysAt(issue.path)) })
      }
      continue
    }
    const path = pathText(issue.path)
    const source = sourceOf(path)
    faults.push({ path, message: messageOf(issue) + (source === undefined ? '' : ` (from ${source})`) })
  }
  return faults
}

function unknownKey(key: string, known: readonly string[]): string {
  const guess = nearest(key, known)
  return guess === undefined
    ? 'is no setting of Strata: take it out (strata settings lists all)'
    : `is no setting of Strata: did you mean "${guess}"?`
}

const NOUNS: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object with settings',
  record: 'an object',
}

function messageOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${NOUNS[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `must be one of ${issue.values.map(value => `"${String(value)}"`).join(', ')}`
    case 'invalid_key':
      return issue.issues[0]?.message ?? 'is no key that may stand here'
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array'
        ? (custom(issue.message) ?? 'must not be empty')
        : `must be at least ${issue.minimum}`
    case 'too_big':
      return issue.origin === 'string' || issue.origin === 'array'
        ? (custom(issue.message) ??
            `must have at most ${issue.maximum} ${issue.origin === 'string' ? 'characters' : 'elements'}`)
        : `must be at most ${issue.maximum}`
    default:
      return issue.message
  }
}

/** The schema's own words, if it has some: zod's begin with "Too". */
function custom(message: string): string | undefined {
  return message.startsWith('Too ') ? undefined : message
}

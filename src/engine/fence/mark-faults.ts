import { messageOf, StrataError } from '../../errors.js'
import { compileGlob } from '../glob/glob.js'
import type { Criteria } from './mark.js'
import { compileUrlGlob } from './url-glob.js'
import { canonicalUrl } from './url-parts.js'

/** One thing that is wrong with what was given, and where. */
export interface Fault {
  readonly path: string
  readonly message: string
}

/** STRATA_BAD_REQUEST with every fault by itself. */
export class FaultyRequest extends StrataError {
  constructor(readonly faults: readonly Fault[]) {
    super('STRATA_BAD_REQUEST', faults.map(({ path, message }) => `${path}: ${message}`).join('; '))
    this.name = 'FaultyRequest'
  }
}

/** Longest URL, prefix, host or tag in a mark, bytes as JSON. All criteria together have to fit into 4 KiB as well. */
export const MAX_TEXT = 3800

const CRITERIA: readonly (keyof Criteria)[] = [
  'all',
  'key',
  'url',
  'prefix',
  'host',
  'pattern',
  'tag',
  'contentType',
  'status',
  'olderThan',
  'minBytes',
  'tiles',
]

const KEY = /^[A-Za-z0-9_-]{43}$/
// eslint-disable-next-line no-control-regex -- these are what is looked for
const BLANK = /[\x00-\x20\x7f]/
// eslint-disable-next-line no-control-regex -- as above
const CONTROL = /[\x00-\x1f\x7f]/

/** URL, prefix and host as entries hold them. */
export function canonicalCriteria(criteria: Criteria): Criteria {
  return {
    ...criteria,
    ...(criteria.url === undefined ? {} : { url: canonicalUrl(criteria.url) }),
    ...(criteria.prefix === undefined ? {} : { prefix: canonicalUrl(criteria.prefix) }),
    ...(criteria.host === undefined ? {} : { host: criteria.host.toLowerCase() }),
    ...(criteria.contentType === undefined ? {} : { contentType: criteria.contentType.toLowerCase() }),
  }
}

/** Names of the criteria that are given. */
export function namesOf(criteria: Criteria): (keyof Criteria)[] {
  return CRITERIA.filter(name => criteria[name] !== undefined)
}

/** Everything that is wrong with these criteria; empty when they can be made a mark. */
export function faultsOf(criteria: Criteria): Fault[] {
  const names = namesOf(criteria)
  if (names.length === 0) return [{ path: '', message: 'says nothing about what to invalidate' }]
  if (criteria.all !== undefined && names.length > 1) {
    return [{ path: 'all', message: `stands alone: leave it out to narrow by ${names.slice(1).join(', ')}` }]
  }
  return names.flatMap(path => {
    const message = faultOf(path, criteria)
    return message === undefined ? [] : [{ path, message }]
  })
}

function faultOf(name: keyof Criteria, criteria: Criteria): string | undefined {
  switch (name) {
    case 'all':
      return criteria.all === true ? undefined : 'must be true'
    case 'key':
      return KEY.test(criteria.key!) ? undefined : 'is no key: 43 characters of A-Z a-z 0-9 _ -'
    case 'url':
    case 'prefix':
      return faultOfUrl(criteria[name]!)
    case 'host':
      return faultOfText(criteria.host!, BLANK) ?? (/[/?#@]/.test(criteria.host!) ? 'is no host' : undefined)
    case 'tag':
      return faultOfText(criteria.tag!, CONTROL)
    case 'pattern':
      return faultOfText(criteria.pattern!, CONTROL) ?? thrownBy(() => compileUrlGlob(criteria.pattern!))
    case 'contentType':
      return faultOfText(criteria.contentType!, CONTROL) ?? thrownBy(() => compileGlob(criteria.contentType!))
    case 'status':
      return isWithin(criteria.status!, 100, 999) ? undefined : 'must be a status code, 100 to 999'
    case 'tiles':
      return faultOfText(criteria.tiles!.layer, CONTROL)
    case 'olderThan':
    case 'minBytes':
      return isWithin(criteria[name]!, 0, Number.MAX_SAFE_INTEGER)
        ? undefined
        : 'must be a whole number, 0 or more'
  }
}

function faultOfUrl(text: string): string | undefined {
  const fault = faultOfText(text, BLANK)
  if (fault !== undefined) return fault
  return text.startsWith('/') || /^https?:\/\/[^/?#@]/i.test(text)
    ? undefined
    : 'must begin with http://, https:// or / (a path on any host)'
}

function faultOfText(text: string, forbidden: RegExp): string | undefined {
  if (text === '') return 'is empty'
  if (text.length > MAX_TEXT || Buffer.byteLength(JSON.stringify(text)) > MAX_TEXT + 2) {
    return `is longer than ${MAX_TEXT} bytes`
  }
  return forbidden.test(text)
    ? 'has characters that cannot be there (control characters or blanks)'
    : undefined
}

function thrownBy(step: () => unknown): string | undefined {
  try {
    step()
    return undefined
  } catch (error) {
    if (error instanceof StrataError) return messageOf(error)
    throw error
  }
}

function isWithin(value: number, low: number, high: number): boolean {
  return Number.isSafeInteger(value) && value >= low && value <= high
}

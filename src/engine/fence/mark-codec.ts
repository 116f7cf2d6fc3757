import { StrataError } from '../../errors.js'
import type { Criteria, Mark } from './mark.js'
import { faultsOf, FaultyRequest, namesOf } from './mark-faults.js'

/** Version of the text in the log. A reader that does not know it takes the mark for one about everything. */
export const MARK_FORMAT = 1
/** The store's limit for one mark, bytes. */
export const MAX_MARK_BYTES = 4096
/** … and for one about tiles: it has an area in it, or a list. */
export const MAX_TILE_MARK_BYTES = 32 * 1024
const BOUND_BYTES = 32

const TYPES: Readonly<Record<keyof Criteria, 'string' | 'number' | 'boolean' | 'object'>> = {
  all: 'boolean',
  key: 'string',
  url: 'string',
  prefix: 'string',
  host: 'string',
  pattern: 'string',
  tag: 'string',
  contentType: 'string',
  status: 'number',
  olderThan: 'number',
  minBytes: 'number',
  tiles: 'object',
}

/** @throws FaultyRequest (STRATA_BAD_REQUEST) when the criteria are faulty, or too long together. */
export function encodeMark(mark: Mark): string {
  const faults = faultsOf(mark)
  if (faults.length > 0) throw new FaultyRequest(faults)
  const text = JSON.stringify({
    v: MARK_FORMAT,
    id: mark.id,
    at: mark.at,
    soft: mark.soft,
    before: mark.before,
    is: criteriaOf(mark),
  })
  // A mark may be moved in the log later, and must have room for the seq that bounds it then.
  const room = mark.before === undefined ? BOUND_BYTES : 0
  const most = mark.tiles === undefined ? MAX_MARK_BYTES : MAX_TILE_MARK_BYTES
  if (Buffer.byteLength(text) > most - room) {
    throw new FaultyRequest([
      { path: '', message: `the criteria are longer than ${most / 1024} KiB together` },
    ])
  }
  return text
}

/**
 * Text of the log → mark, every value checked.
 * @throws StrataError STRATA_DECODE for any other version, for criteria that this version does not know, and for faulty ones.
 */
export function decodeMark(text: string): Mark {
  const row = parse(text)
  if (row?.v !== MARK_FORMAT) throw undecodable('has another format version')
  const { id, at, soft, before, is } = row
  if (typeof id !== 'string' || typeof at !== 'number' || typeof soft !== 'boolean' || !isRecord(is)) {
    throw undecodable('failed validation')
  }
  if (before !== undefined && (typeof before !== 'number' || !Number.isSafeInteger(before))) {
    throw undecodable('failed validation')
  }
  if (!isCriteria(is) || faultsOf(is).length > 0)
    throw undecodable('has criteria that this version does not know')
  return { ...is, id, at, soft, ...(before === undefined ? {} : { before }) }
}

/** The same text for the same criteria, whatever their order. */
export function criteriaText(mark: Mark): string {
  return JSON.stringify(criteriaOf(mark))
}

function criteriaOf(mark: Mark): Record<string, unknown> {
  return Object.fromEntries(namesOf(mark).map(name => [name, mark[name]]))
}

function isCriteria(value: Record<string, unknown>): value is Record<string, unknown> & Criteria {
  return Object.entries(value).every(
    ([name, given]) =>
      Object.hasOwn(TYPES, name) &&
      typeof given === TYPES[name as keyof Criteria] &&
      (name !== 'tiles' || (isRecord(given) && typeof given.layer === 'string')),
  )
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : undefined
  } catch (cause) {
    throw new StrataError('STRATA_DECODE', 'a mark in the log is no JSON', { cause })
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function undecodable(what: string): StrataError {
  return new StrataError('STRATA_DECODE', `a mark in the log ${what}`)
}

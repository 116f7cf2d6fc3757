import { open, type FileHandle } from 'node:fs/promises'
import { FaultyRequest } from '../../engine/fence/mark-faults.js'
import { messageOf, StrataError } from '../../errors.js'

export interface AuditPage {
  /** The newest first. */
  readonly events: readonly unknown[]
  /** Where the next older page begins; null at the beginning of the file. */
  readonly cursor: string | null
  /** Lines that are no JSON: cut off by a crash, or written by somebody else. */
  readonly unreadable: number
}

const CHUNK = 64 * 1024
/** Bytes that are read for one page. */
const MAX_READ = 1024 * 1024
export const MAX_LIMIT = 200
const DEFAULT_LIMIT = 50

/**
 * A page of an audit file, read from its end.
 * @throws FaultyRequest (STRATA_BAD_REQUEST) for a limit or cursor that is none, also once the file has been rotated;
 *   StrataError STRATA_AUDIT
 */
export async function readAuditPage(
  path: string,
  query: { readonly limit?: string | undefined; readonly cursor?: string | undefined },
): Promise<AuditPage> {
  const limit = query.limit === undefined ? DEFAULT_LIMIT : Number(query.limit)
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw new FaultyRequest([{ path: 'limit', message: `must be a whole number, 1 to ${MAX_LIMIT}` }])
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch (error) {
    // Nothing has been done yet.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { events: [], cursor: null, unreadable: 0 }
    throw new StrataError('STRATA_AUDIT', `the audit log can't be read (${messageOf(error)})`, {
      cause: error,
    })
  }
  try {
    const { ino, size } = await file.stat()
    const end = query.cursor === undefined ? size : placeOf(query.cursor, ino, size)
    const { lines, from } = await linesBefore(file, end, limit)
    const events: unknown[] = []
    let unreadable = 0
    for (const line of lines) {
      const event = parsed(line)
      if (event === undefined) unreadable++
      else events.push(event)
    }
    return { events, cursor: from === 0 ? null : `${ino.toString(36)}.${from}`, unreadable }
  } finally {
    await file.close()
  }
}

function placeOf(cursor: string, ino: number, size: number): number {
  const [, file, at] = /^([0-9a-z]{1,16})\.(\d{1,15})$/.exec(cursor) ?? []
  const place = Number(at)
  if (file !== ino.toString(36) || place > size) {
    const message = 'is no place in this file (it may have been rotated): begin again without a cursor'
    throw new FaultyRequest([{ path: 'cursor', message }])
  }
  return place
}

/** At most `limit` lines that end before `end`, the last first, and where the first of them begins. */
async function linesBefore(
  file: FileHandle,
  end: number,
  limit: number,
): Promise<{ lines: string[]; from: number }> {
  const lowest = Math.max(0, end - MAX_READ)
  let bytes = Buffer.alloc(0)
  let start = end
  while (start > lowest && count(bytes) <= limit) {
    const length = Math.min(CHUNK, start - lowest)
    const chunk = Buffer.alloc(length)
    const { bytesRead } = await file.read(chunk, 0, length, start - length)
    start -= length
    bytes = Buffer.concat([chunk.subarray(0, bytesRead), bytes])
  }
  const lines: string[] = []
  let to = bytes.at(-1) === NEWLINE ? bytes.length - 1 : bytes.length
  while (to > 0 && lines.length < limit) {
    const before = bytes.lastIndexOf(NEWLINE, to - 1)
    // Its beginning lies before what was read: it is one of the next page, unless it is longer than a page can be.
    if (before === -1 && start > 0 && lines.length > 0) return { lines, from: start + to + 1 }
    lines.push(bytes.toString('utf8', before + 1, to))
    if (before === -1) return { lines, from: start }
    to = before
  }
  return { lines, from: to <= 0 ? start : start + to + 1 }
}

const NEWLINE = 0x0a

function count(bytes: Buffer): number {
  let found = 0
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) found++
  return found
}

function parsed(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    // Told by the page's count.
    return undefined
  }
}

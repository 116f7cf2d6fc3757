import { randomUUID } from 'node:crypto'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import type { RootDatabase } from 'lmdb'
import { isStrataError, messageOf, StrataError } from '../../errors.js'
import type { Tables } from '../local/tables.js'
import { lmdbTables } from './lmdb-tables.js'
import type { LmdbTables } from './lmdb-tables.js'
import { OpenGate } from './open-gate.js'

/** Version of the layout of tables and records. Entries carry their own format version besides. */
export const DATA_FORMAT = 2
/** What is read besides; once opened it is of the present format: what this version leaves out, that one would miss. */
const READ_TOO = ['1']

/** Else lmdb makes a promise for each turn's writes that nobody gets: where the disk refuses one, its rejection would end the process. */
export const NO_BATCHES = { eventTurnBatching: false }

export interface LocalDatabase extends LmdbTables {
  readonly root: RootDatabase<Buffer, string>
  /** Every write goes through it. */
  readonly gate: OpenGate
}

/**
 * Opens or creates the database in a folder; several processes may do so at once.
 * @throws StrataError STRATA_CONFIG when the data is of another format, STRATA_STORE_UNAVAILABLE when it can't be opened.
 */
export function openDatabase(folder: string): LocalDatabase {
  const path = join(folder, 'metadata.mdb')
  let root: RootDatabase<Buffer, string> | undefined
  let gate: OpenGate | undefined
  try {
    fs.mkdirSync(folder, { recursive: true })
    gate = new OpenGate(path)
    // noSubdir: the name decides otherwise, and a folder may well have a dot in it.
    const opened = gate.open(() =>
      open<Buffer, string>({ path, noSubdir: true, maxDbs: 16, encoding: 'binary', ...NO_BATCHES }),
    )
    root = opened
    const tables = gate.writeSync(() => prepare(opened, folder))
    return { root, gate, ...tables }
  } catch (error) {
    void root?.close()
    gate?.close()
    if (isStrataError(error)) throw error
    const message = `the embedded database ${path} can't be opened (${messageOf(error)}): check the folder's permissions and free space, or delete the folder to start empty`
    throw new StrataError('STRATA_STORE_UNAVAILABLE', message, { cause: error })
  }
}

function prepare(root: RootDatabase<Buffer, string>, folder: string): LmdbTables {
  root.transactionSync(() => checkFormat(root, folder))
  const made = lmdbTables(root)
  const { tables, step } = made
  // One transaction, so that of processes that start together one makes the epoch and the others find it.
  root.transactionSync(() => step(() => initialise(root, tables)))
  return made
}

function checkFormat(root: RootDatabase<Buffer, string>, folder: string): void {
  const found = root.getBinary('format')?.toString()
  if (found === undefined || found === String(DATA_FORMAT)) return
  if (READ_TOO.includes(found)) return void root.put('format', Buffer.from(String(DATA_FORMAT)))
  throw new StrataError(
    'STRATA_CONFIG',
    `the data in ${folder} has format ${found.slice(0, 20)}, this version of Strata reads ${DATA_FORMAT}: ` +
      'delete the folder to start with an empty cache, set another path, or run the version that wrote it',
  )
}

function initialise(root: RootDatabase<Buffer, string>, { log, counts }: Tables<Uint8Array>): void {
  if (root.getBinary('format') !== undefined) return
  void root.put('format', Buffer.from(String(DATA_FORMAT)))
  log.set({ epoch: randomUUID(), seq: 0, floor: 0, retired: 0, markCount: 0 })
  counts.set({ entries: 0, bodies: 0, bodyBytes: 0, entryBytes: 0 })
}

import { decodeEntry, encodeEntry } from '../../engine/ports/index.js'
import type { Entry, MetadataStore } from '../../engine/ports/index.js'
import { isStrataError, messageOf, StrataError } from '../../errors.js'
import { LocalMetadataStore } from '../local/metadata-store.js'
import type { Backend } from '../local/metadata-store.js'
import { openDatabase } from './database.js'
import { BODY_RESERVE, DATABASE_RESERVE, FreeSpace } from './free-space.js'
import { GroupCommit } from './group-commit.js'

/** How often the snapshots of processes that have crashed are given up: while they hold, LMDB can't use freed pages again, ms. */
const READER_CHECK_MS = 60_000

/** What a step writes at most, as a rule: copies of some pages of each of its tables, bytes. */
const STEP_BYTES = 131_072

/**
 * Metadata in LMDB, in `path/metadata.mdb`: survives restarts, and all processes of the machine that open the same path share
 * it. Every step is one write transaction.
 * @throws StrataError STRATA_CONFIG when the data is of another format, STRATA_STORE_UNAVAILABLE when it can't be opened.
 */
export function lmdbMetadataStore({ path }: { path: string }): MetadataStore {
  return new LocalMetadataStore(lmdbBackend(path))
}

function lmdbBackend(path: string): Backend<Uint8Array> {
  const { root, gate, tables, step: runStep, unusedBytes } = openDatabase(path)
  const space = new FreeSpace(path, DATABASE_RESERVE)
  const spaceOfFills = new FreeSpace(path, BODY_RESERVE, unusedBytes)
  const group = new GroupCommit(root, gate, runStep)
  gate.watch()
  let closing: Promise<void> | undefined
  const readerCheck = setInterval(() => root.readerCheck(), READER_CHECK_MS).unref()
  const requireOpen = () => {
    if (closing !== undefined)
      throw new StrataError('STRATA_STORE_UNAVAILABLE', 'the embedded store is closed')
  }
  return {
    name: 'embedded',
    tables,
    codec: { seal: encodeEntry, open: decodeOrAbsent },
    read: step => {
      requireOpen()
      try {
        // LMDB keeps one snapshot for the whole turn of the event loop. Another process may have acknowledged an invalidation
        // since it was taken, and this request may have come after that (P1): every read takes a new one.
        root.resetReadTxn()
        return step()
      } catch (error) {
        throw unavailable(error)
      }
    },
    write: async (step, mayWait) => {
      requireOpen()
      // What may wait takes room, most of the rest gives it back.
      ;(mayWait === true ? spaceOfFills : space).take(STEP_BYTES)
      try {
        return await group.write(step, mayWait)
      } catch (error) {
        throw unavailable(error)
      }
    },
    fault: () => group.broken,
    isCramped: () => spaceOfFills.isShort,
    term: () => (closing === undefined ? gate.term : undefined),
    flushed: async () => {
      try {
        await root.flushed
      } catch (error) {
        throw unavailable(error)
      }
    },
    close: () => {
      clearInterval(readerCheck)
      closing ??= group.settled().then(async () => {
        // What can't be written any more can't be waited for.
        if (group.broken === undefined) await root.close()
        else void root.close()
        gate.close()
      })
      return closing
    },
  }
}

function decodeOrAbsent(key: string, variant: string, bytes: Uint8Array): Entry | undefined {
  try {
    return decodeEntry(key, variant, bytes)
  } catch (error) {
    if (isStrataError(error, 'STRATA_DECODE')) return undefined // P10: a miss
    throw error
  }
}

function unavailable(error: unknown): StrataError {
  if (isStrataError(error)) return error
  return new StrataError('STRATA_STORE_UNAVAILABLE', `the embedded database failed: ${messageOf(error)}`, {
    cause: error,
  })
}

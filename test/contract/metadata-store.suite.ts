import { afterEach, beforeEach, describe } from '@jest/globals'
import type { MetadataStore } from '../../src/engine/ports/index.js'
import { entryCases } from './metadata/entry.cases.js'
import { fenceCases } from './metadata/fence.cases.js'
import { inlineCases } from './metadata/inline.cases.js'
import { invariantCases } from './metadata/invariant.cases.js'
import { ledgerCases } from './metadata/ledger.cases.js'
import { peekCases } from './metadata/peek.cases.js'
import { persistenceCases } from './metadata/persistence.cases.js'
import { tileCases } from './metadata/tile.cases.js'
import { useCases } from './metadata/use.cases.js'

/** What an adapter gives to the suite: a new, empty store, and the means to look behind it. */
export interface MetadataHarness {
  readonly store: MetadataStore
  /** Closes the store and opens the same data again; `cleanup` then closes the new one. Needed unless the store is volatile. */
  reopen?(): Promise<MetadataStore>
  /** Overwrites the encoded metadata of a stored entry, behind the store's back. Needed unless the store is volatile. */
  damage?(key: string, variant: string, bytes: Uint8Array): Promise<void>
  /** Closes and removes everything. */
  cleanup(): Promise<void>
}

/** Gives the harness of the running test. */
export type Current = () => MetadataHarness

/**
 * The contract of the metadata port (src/engine/ports/metadata-store.ts): every adapter runs it whole.
 * `volatile`: the store loses everything when closed and keeps no bytes that could be damaged. `local`: a store of one machine,
 * which has `peekFence`.
 */
export function metadataStoreSuite(
  name: string,
  open: () => Promise<MetadataHarness>,
  { volatile = false, local = false }: { volatile?: boolean; local?: boolean } = {},
): void {
  describe(`MetadataStore contract: ${name}`, () => {
    let harness: MetadataHarness | undefined
    beforeEach(async () => {
      harness = await open()
    })
    afterEach(async () => {
      await harness?.cleanup()
      harness = undefined
    })
    const current: Current = () => harness!

    entryCases(current)
    fenceCases(current)
    useCases(current)
    ledgerCases(current)
    inlineCases(current)
    tileCases(current)
    invariantCases(current)
    if (local) peekCases(current)
    if (!volatile) persistenceCases(current)
  })
}

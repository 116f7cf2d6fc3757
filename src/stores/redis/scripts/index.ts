import * as entries from './entry-scripts.js'
import * as fence from './fence-scripts.js'
import * as ledger from './ledger-scripts.js'
import * as listing from './listing-scripts.js'

/** All scripts by name. Each has one key: the fence's. */
export const SCRIPTS = { ...entries, ...fence, ...ledger, ...listing } as const

export type ScriptName = keyof typeof SCRIPTS

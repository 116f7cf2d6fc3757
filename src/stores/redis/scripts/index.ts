import * as entries from './entry-scripts.js'
import * as fence from './fence-scripts.js'
import * as ledger from './ledger-scripts.js'
import * as listing from './listing-scripts.js'
import * as locks from './lock-scripts.js'
import * as nodes from './node-scripts.js'

/** All scripts by name. Each has one key: the fence's. */
export const SCRIPTS = { ...entries, ...fence, ...ledger, ...listing, ...locks, ...nodes } as const

export type ScriptName = keyof typeof SCRIPTS

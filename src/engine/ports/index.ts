export type {
  BodyRef,
  Entry,
  EntryHandle,
  EntryUse,
  RawFields,
  SelectingField,
  Stamp,
  StoredRange,
  StoredResponse,
} from './entry.js'
export type {
  CommitOptions,
  CommitResult,
  FenceState,
  ListedEntry,
  ListPage,
  LoggedMark,
  Lookup,
  MarksPage,
  MetadataStore,
  Usage,
} from './metadata-store.js'
export type { BodyListing, BodyNotes, BodySink, BodyStore, ByteRange, PieceMemory } from './body-store.js'
export type { RuleLayer, TileBook, TileCriterion, TileRef, TileSubject } from './tile-book.js'
export { internedFields } from '../interned.js'
export { wholeEntry } from './whole-entry.js'
export { digestInName, inlineName, isInline, sharedName } from './body-names.js'
export type { NodeRegistry, RegisteredNode, RegisteredNodes } from './node-registry.js'
export type { FillLocks, LockAnswer } from './fill-locks.js'
export { decodeEntry, encodeEntry, ENTRY_FORMAT } from './entry-codec.js'

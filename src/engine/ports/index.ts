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
export type { BodyListing, BodySink, BodyStore, ByteRange } from './body-store.js'
export { decodeEntry, encodeEntry, ENTRY_FORMAT } from './entry-codec.js'

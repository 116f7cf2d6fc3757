import type { MetadataStore, Usage } from '../ports/index.js'
import type { Pass } from './pass.js'

/** Entries that no request can use any more. */
export async function sweepUseless(
  store: MetadataStore,
  pass: Pass,
  now: number,
  batch: number,
): Promise<void> {
  for (;;) {
    const handles = await store.useless(now, batch)
    const removed = handles.length === 0 ? 0 : await store.remove(handles)
    pass.examined += handles.length
    pass.removed += removed
    // Less than a batch is the end; a batch of which nothing went has been replaced meanwhile.
    if (handles.length < batch || removed === 0) return
    await pass.breathe()
  }
}

export interface EvictionLimits {
  readonly maxStoreBytes: number
  readonly maxStoreEntries: number
}

/** Where a sweep leaves off, as a part of the limits. */
const DOWN_TO = 0.8
/** So far over its limits the store takes nothing more: it fills faster than sweeps empty it. */
const FULL = 1.1

export function isFull(usage: Usage, limits: EvictionLimits): boolean {
  return isOver(usage, limits, FULL)
}

/** Over a limit, the least recently used entries go until both are at 80 % or below; without pauses until it is no longer over. */
export async function sweepExcess(
  store: MetadataStore,
  pass: Pass,
  limits: EvictionLimits,
  batch: number,
): Promise<void> {
  const before = await store.usage()
  if (!isOver(before, limits)) return
  for (let usage = before; ; usage = await store.usage()) {
    const bytes = usage.bodyBytes - limits.maxStoreBytes * DOWN_TO
    const entries = usage.entries - limits.maxStoreEntries * DOWN_TO
    if (bytes <= 0 && entries <= 0) return
    const oldest = await store.leastRecent(batch)
    // Equal bodies are stored once: an entry frees its size at most, so this many are needed at least.
    let freed = 0
    let count = 0
    while (count < oldest.length && (freed < bytes || count < entries)) freed += oldest[count++]!.size
    const removed = count === 0 ? 0 : await store.remove(oldest.slice(0, count))
    pass.examined += count
    pass.removed += removed
    pass.bytes += freed
    if (removed === 0) return
    await pass.breathe(isOver(usage, limits))
  }
}

/** @param times the limits */
export function isOver(
  { bodyBytes, entries }: Pick<Usage, 'bodyBytes' | 'entries'>,
  { maxStoreBytes, maxStoreEntries }: EvictionLimits,
  times = 1,
): boolean {
  return bodyBytes > maxStoreBytes * times || entries > maxStoreEntries * times
}

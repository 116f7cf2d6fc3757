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
/** On a disk without room nobody knows how much has to go: this part of the entries stays, until the next sweep. */
const CRAMPED_TO = 0.95
/** So far over its limits the store takes nothing more: it fills faster than sweeps empty it. */
const FULL = 1.1

/** Something has to go. */
export function isOver(usage: Usage, limits: EvictionLimits): boolean {
  return usage.isCramped === true || exceeds(usage, limits, 1)
}

/** It is to take nothing more. */
export function isFull(usage: Usage, limits: EvictionLimits): boolean {
  return usage.isCramped === true || isFarOver(usage, limits)
}

export function isFarOver(usage: Usage, limits: EvictionLimits): boolean {
  return exceeds(usage, limits, FULL)
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
  const goal = goalOf(before, limits)
  for (let usage = before; ; usage = await store.usage()) {
    const bytes = usage.bodyBytes - goal.bytes
    const entries = usage.entries - goal.entries
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

function goalOf(before: Usage, { maxStoreBytes, maxStoreEntries }: EvictionLimits) {
  const cramped = before.isCramped === true ? Math.floor(before.entries * CRAMPED_TO) : Infinity
  return { bytes: maxStoreBytes * DOWN_TO, entries: Math.min(maxStoreEntries * DOWN_TO, cramped) }
}

function exceeds({ bodyBytes, entries }: Usage, limits: EvictionLimits, times: number): boolean {
  return bodyBytes > limits.maxStoreBytes * times || entries > limits.maxStoreEntries * times
}

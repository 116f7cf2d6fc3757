import type { WarmSettings } from '../settings.js'
import type { PaceLimits } from './pace.js'

/** What is known of items like these. */
export interface Experience {
  /** Of one item, on average; null when nothing is known. */
  readonly bytes: number | null
  /** Time that the origin takes for one, on average, ms. */
  readonly originMs: number | null
  /** Where it was seen: the layer's own tiles, or whatever is stored. */
  readonly from: 'layer' | 'store' | null
  /** Requests to S3 for storing one body; 0 where there is no S3, or bodies of this size are kept elsewhere. */
  readonly writesPerItem: number
}

/** What a job would come to, at the most: what is fresh already costs next to nothing. */
export interface Estimate {
  readonly dryRun: true
  readonly what: string
  readonly tiles: number
  readonly estimatedBytes: number | null
  readonly estimatedSeconds: number | null
  readonly s3Requests: number
  readonly basedOn: Experience['from']
  /** It wants `confirm`. */
  readonly needsConfirm: boolean
  readonly limit: number
}

export function estimate(
  { what, total }: { readonly what: string; readonly total: number },
  { concurrency, rate, bytesPerSecond }: PaceLimits,
  { bytes, originMs, from, writesPerItem }: Experience,
  { maxTiles }: Pick<WarmSettings, 'maxTiles'>,
): Estimate {
  const estimatedBytes = bytes === null ? null : Math.round(bytes * total)
  const bounds = [
    ...(originMs === null ? [] : [(total * originMs) / 1000 / concurrency]),
    ...(rate === 0 ? [] : [total / rate]),
    ...(bytesPerSecond === 0 || estimatedBytes === null ? [] : [estimatedBytes / bytesPerSecond]),
  ]
  return {
    ...{ dryRun: true, what, tiles: total, estimatedBytes },
    estimatedSeconds: bounds.length === 0 ? null : Math.ceil(Math.max(...bounds)),
    s3Requests: total * writesPerItem,
    basedOn: from,
    needsConfirm: total > maxTiles,
    limit: maxTiles,
  }
}

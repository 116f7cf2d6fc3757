/** What the bodies' store is asked for, where each request costs money (S3). */
export interface BodyRequests {
  /** By operation, e.g. `GetObject`; each attempt counts. */
  readonly byOperation: Readonly<Record<string, number>>
  /** Reads of bodies for 1,000 answers from the cache: one from memory makes none. */
  readonly perThousandHits: number
  /** Writes of bodies (their parts included) for 1,000 misses. */
  readonly perThousandMisses: number
}

const READS = new Set(['GetObject'])
const WRITES = new Set([
  'PutObject',
  'CreateMultipartUpload',
  'UploadPart',
  'CompleteMultipartUpload',
  'AbortMultipartUpload',
])

export function bodyRequests(
  byOperation: Readonly<Record<string, number>>,
  { hits, misses }: { readonly hits: number; readonly misses: number },
): BodyRequests {
  const perThousand = (operations: ReadonlySet<string>, answers: number) => {
    let sum = 0
    for (const [operation, count] of Object.entries(byOperation)) if (operations.has(operation)) sum += count
    return answers === 0 ? 0 : Math.round((sum * 100_000) / answers) / 100
  }
  return {
    byOperation,
    perThousandHits: perThousand(READS, hits),
    perThousandMisses: perThousand(WRITES, misses),
  }
}

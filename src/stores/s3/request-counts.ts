import type { S3Client } from '@aws-sdk/client-s3'

/** Requests that a client has sent, by operation; each attempt counts, for each is paid for. */
export function countRequests(client: S3Client): () => Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  client.middlewareStack.add(
    (next, { commandName = 'unknown' }) =>
      args => {
        const operation = commandName.replace(/Command$/, '')
        counts[operation] = (counts[operation] ?? 0) + 1
        return next(args)
      },
    // The last step before the bytes go out: behind the retries.
    { step: 'deserialize', name: 'strataRequestCounts' },
  )
  return () => ({ ...counts })
}

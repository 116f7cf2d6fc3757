import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { NodeHttpHandler } from '@smithy/node-http-handler'

export interface S3Settings {
  readonly bucket: string
  /** URL of an S3-compatible server; without it AWS. */
  readonly endpoint?: string
  /** `us-east-1` when not given. */
  readonly region?: string
  /** Without keys: the SDK's own chain (environment, profile, instance), asked once and again when they run out. */
  readonly accessKeyId?: string
  readonly secretAccessKey?: string
  readonly sessionToken?: string
  /** Bucket in the path; true when an endpoint is given, else false. */
  readonly forcePathStyle?: boolean
  /** Checksums of the SDK: S3-compatible servers differ in what they know. Strata checks every body itself. */
  readonly checksums?: 'when_required' | 'when_supported'
  /** Longest time for a connection to open, ms (2,000). */
  readonly connectTimeoutMs?: number
  /** Longest silence of the server within a request or a body, ms (10,000). */
  readonly idleTimeoutMs?: number
  /** Connections at once (128). */
  readonly maxSockets?: number
}

/**
 * An S3 client with a bound on everything: connection, first byte, silence. Two attempts for each request: the guard and the
 * origin are the better second try.
 */
export function connectS3(settings: S3Settings): S3Client {
  const { endpoint, region = 'us-east-1', checksums = 'when_required', idleTimeoutMs = 10_000 } = settings
  const mode = checksums === 'when_supported' ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED'
  const agent = { keepAlive: true, maxSockets: settings.maxSockets ?? 128, scheduling: 'lifo' } as const
  const config: S3ClientConfig = {
    region,
    forcePathStyle: settings.forcePathStyle ?? endpoint !== undefined,
    requestChecksumCalculation: mode,
    responseChecksumValidation: mode,
    maxAttempts: 2,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: settings.connectTimeoutMs ?? 2_000,
      // Until the header section has come. The body's silence is watched where it is read: there a slow client is no silence.
      requestTimeout: idleTimeoutMs,
      throwOnRequestTimeout: true,
      // The last resort for sockets that nobody reads.
      socketTimeout: Math.max(6 * idleTimeoutMs, 60_000),
      socketAcquisitionWarningTimeout: 0x7fffffff,
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent(agent),
    }),
    logger: SILENT,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...credentials(settings),
  }
  return withoutNodeVersionWarning(() => new S3Client(config))
}

const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

function credentials({
  accessKeyId,
  secretAccessKey,
  sessionToken,
}: S3Settings): Pick<S3ClientConfig, 'credentials'> {
  if (accessKeyId === undefined || secretAccessKey === undefined) return {}
  return {
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
  }
}

/**
 * The SDK warns of every Node version that it will drop, into the log of whoever uses Strata. It does so as the client is made,
 * so this lasts for one synchronous step; any other warning passes.
 */
function withoutNodeVersionWarning<T>(step: () => T): T {
  const { emitWarning } = process
  process.emitWarning = ((...args: Parameters<typeof emitWarning>) => {
    if (!String(args[0]).startsWith('NodeVersionSupportWarning')) Reflect.apply(emitWarning, process, args)
  }) as typeof emitWarning
  try {
    return step()
  } finally {
    process.emitWarning = emitWarning
  }
}

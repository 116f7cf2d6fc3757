import { readFileSync } from 'node:fs'
import { Cluster, Redis } from 'ioredis'
import type { RedisOptions } from 'ioredis'
import type { StrataError } from '../../errors.js'
import { redisError } from './errors.js'

export type RedisClient = Redis | Cluster

export interface RedisSettings {
  /** `redis://` or, with TLS, `rediss://user:password@host:port/db`. With `cluster`, the credentials and TLS for all nodes. */
  readonly url?: string
  /** Nodes of a Redis Cluster, `host:port`; some are enough. */
  readonly cluster?: readonly string[]
  /** TLS; `rediss://` asks for it too. */
  readonly tls?: boolean
  readonly username?: string
  readonly password?: string
  readonly db?: number
  /** File with the certificate authority of a server with TLS, PEM. */
  readonly caFile?: string
  /** Longest time for a connection to open, ms (2,000). */
  readonly connectTimeoutMs?: number
  /** Longest wait for a reply, ms (2,000). What a request waits at most is the guard's matter. */
  readonly commandTimeoutMs?: number
  /** Shown in CLIENT LIST (`strata`). */
  readonly connectionName?: string
}

/** A connection with nothing heard on it for so long while replies are due is taken for dead, ms. */
const SILENCE = 10_000

/** Longest pause between attempts to connect, ms. */
const MAX_PAUSE = 2_000

/**
 * Connects, and waits until the server is ready or the connect timeout is over, whichever comes first. It never rejects: a
 * server that is down at start is found when it comes up, with attempts for ever. Until then, and whenever the connection is
 * lost, each command rejects at once: none is queued, none sent a second time.
 * @param onError gets each connection error, as a StrataError; without it these are silent (each call rejects all the same).
 */
export async function connectRedis(
  settings: RedisSettings,
  onError?: (error: StrataError) => void,
): Promise<RedisClient> {
  const client = createRedis(settings)
  client.on('error', (error: Error) => onError?.(redisError(error)))
  let timer: NodeJS.Timeout | undefined
  await new Promise<void>(resolve => {
    client.once('ready', resolve)
    timer = setTimeout(resolve, settings.connectTimeoutMs ?? 2_000)
  })
  clearTimeout(timer)
  return client
}

/** Ends the connection. Calls under way reject. */
export function disconnectRedis(client: RedisClient): void {
  client.disconnect()
}

function createRedis(settings: RedisSettings): RedisClient {
  const url = settings.url === undefined ? undefined : new URL(settings.url)
  const common = commonOptions(settings, url)
  if (settings.cluster !== undefined && settings.cluster.length > 0) {
    return new Cluster(settings.cluster.map(startupNode), {
      redisOptions: common,
      enableOfflineQueue: false,
      clusterRetryStrategy: pause,
      clusterNodeRetryStrategy: pause,
      maxRedirections: 4,
      retryDelayOnFailover: 50,
      retryDelayOnClusterDown: 50,
      retryDelayOnTryAgain: 50,
      slotsRefreshTimeout: settings.connectTimeoutMs ?? 2_000,
      // A managed cluster's certificates are for its names, and TLS needs the name.
      ...(common.tls === undefined ? {} : { dnsLookup: (host, done) => done(null, host) }),
    })
  }
  const { hostname, port, pathname } = url ?? new URL('redis://127.0.0.1:6379')
  const db = settings.db ?? (pathname.length > 1 ? Number(pathname.slice(1)) : 0)
  return new Redis({
    ...common,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? 6379 : Number(port),
    db,
    enableOfflineQueue: false,
    retryStrategy: pause,
  })
}

function commonOptions(settings: RedisSettings, url: URL | undefined): RedisOptions {
  const username = settings.username ?? (url?.username ? decodeURIComponent(url.username) : undefined)
  const password = settings.password ?? (url?.password ? decodeURIComponent(url.password) : undefined)
  const ca = settings.caFile === undefined ? {} : { ca: readFileSync(settings.caFile) }
  return {
    connectTimeout: settings.connectTimeoutMs ?? 2_000,
    commandTimeout: settings.commandTimeoutMs ?? 2_000,
    socketTimeout: SILENCE,
    keepAlive: 10_000,
    noDelay: true,
    // A write that was under way when the connection broke may have landed: whoever sent it decides, not the client.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // After a failover behind one address, the old connection leads to a replica: make a new one.
    reconnectOnError: error => /READONLY/.test(error.message),
    connectionName: settings.connectionName ?? 'strata',
    disableClientInfo: true,
    protocol: 2,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(settings.tls || url?.protocol === 'rediss:' ? { tls: ca } : {}),
  }
}

function startupNode(node: string): { host: string; port: number } {
  const { hostname, port } = new URL(`redis://${node.replace(/^rediss?:\/\//, '')}`)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 6379 : Number(port) }
}

/** Doubles from 50 ms to the longest pause, with a fifth of chance, so that nodes do not come back in step. */
function pause(attempt: number): number {
  const base = Math.min(50 * 2 ** Math.min(attempt - 1, 10), MAX_PAUSE)
  return Math.round(base * (0.9 + Math.random() * 0.2))
}

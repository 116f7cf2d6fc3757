import type { Sabotage } from '../../../src/engine/failpoints.js'
import { NodeProcess } from './node-process.js'
import { startOrigin, type VersionedOrigin } from './origin.js'
import { Oracle } from './oracle.js'
import { startClusterLink } from './cluster-link.js'
import { startRigBackend, type RigBackend, type RigBackendName } from './rig-backend.js'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js'

export interface RigOptions {
  readonly backend: RigBackendName
  readonly nodes: number
  readonly sabotage?: Sabotage
  /** `tiers.leaseMs` */
  readonly leaseMs?: number
  /** Further settings, as environment. */
  readonly env?: Readonly<Record<string, string>>
}

/** What leads from a node to a server, or to all servers of a cluster. */
export type Link = Pick<TcpProxy, 'set' | 'stallKept' | 'reset' | 'stop'>

/** A node with the links to its stores. */
export interface Station {
  readonly node: NodeProcess
  readonly redis: Link | undefined
  readonly s3: Link | undefined
}

/** Nodes as processes on real stores, behind links that can fail, in front of an origin that counts its versions. */
export interface Rig {
  readonly options: RigOptions
  readonly leaseMs: number
  readonly backend: RigBackend
  readonly origin: VersionedOrigin
  readonly oracle: Oracle
  readonly stations: readonly Station[]
  stop(): Promise<void>
}

const LEASE_MS = 250

export async function startRig(options: RigOptions): Promise<Rig> {
  const leaseMs = options.leaseMs ?? LEASE_MS
  const backend = await startRigBackend(options.backend)
  const origin = await startOrigin()
  const stations: Station[] = []
  const stop = async () => {
    await Promise.all(
      stations.map(async ({ node, redis, s3 }) => {
        await node.stop()
        await redis?.stop()
        await s3?.stop()
      }),
    )
    await origin.stop()
    await backend.stop()
  }
  try {
    for (let i = 1; i <= options.nodes; i++) stations.push(await makeStation(`node${i}`))
    await Promise.all(stations.map(({ node }) => node.start()))
  } catch (error) {
    await stop()
    throw error
  }
  return { options, leaseMs, backend, origin, oracle: new Oracle(origin), stations, stop }

  async function makeStation(name: string): Promise<Station> {
    const env: Record<string, string> = {
      ...backend.env,
      STRATA_TIERS_LEASE_MS: String(leaseMs),
      // So that both kinds of bodies are small enough for thousands of rounds.
      STRATA_LIMITS_SMALL_BODY_BYTES: '8192',
      STRATA_LIMITS_INLINE_BODY_BYTES: '1024',
      STRATA_HTTP_EXPOSE_KEY: 'true',
      STRATA_LIMITS_HIT_FOR_MISS_MS: '300',
      // All nodes share few cores with the rig: a slow turn is no broken tier, or most would never be asked.
      STRATA_TIERS_TIMEOUT_MS: '500',
      STRATA_TIERS_BREAKER_RESET_MS: '300',
      ...options.env,
    }
    const redis = await linkToRedis(env)
    let s3: TcpProxy | undefined
    if (backend.s3 !== undefined) {
      const { hostname, port } = new URL(backend.s3.endpoint)
      s3 = await startTcpProxy({ host: hostname, port: Number(port) })
      env.STRATA_S3_ENDPOINT = `http://127.0.0.1:${s3.port}`
    }
    return { node: new NodeProcess(name, origin.url, env, options.sabotage), redis, s3 }
  }
  /** Its own for each node: what one is cut off from, the others reach. */
  async function linkToRedis(env: Record<string, string>): Promise<Link | undefined> {
    if (backend.cluster !== undefined) {
      const link = await startClusterLink(backend.cluster)
      env.STRATA_REDIS_CLUSTER = link.nodes.join(',')
      return link
    }
    if (backend.redis === undefined) return undefined
    const link = await startTcpProxy({ host: '127.0.0.1', port: backend.redis.port })
    env.STRATA_REDIS_URL = `redis://127.0.0.1:${link.port}`
    return link
  }
}

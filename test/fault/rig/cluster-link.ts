import type { RedisCluster } from '../../support/redis-server.js'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js'

export interface ClusterLink extends Pick<TcpProxy, 'set' | 'stallKept' | 'reset' | 'stop'> {
  /** `host:port` of the links. */
  readonly nodes: readonly string[]
}

/**
 * Links from one node to all servers of a cluster. A cluster tells its clients the servers' own addresses (CLUSTER SLOTS, MOVED): the
 * links put their own in place of these, so that nothing goes past them. An address that comes in two pieces is missed; then some of the
 * traffic goes past, which costs a fault its effect and nothing else.
 */
export async function startClusterLink({ nodes }: RedisCluster): Promise<ClusterLink> {
  const ports = new Map<string, string>()
  const rewrite = (chunk: Buffer) => {
    let text: string | undefined
    for (const [from, to] of ports) {
      if (!chunk.includes(from)) continue
      text = (text ?? chunk.toString('latin1')).replaceAll(from, to)
    }
    return text === undefined ? chunk : Buffer.from(text, 'latin1')
  }
  const links = await Promise.all(nodes.map(node => startTcpProxy(node, { rewrite })))
  for (const [i, { port }] of nodes.entries()) {
    const own = links[i]!.port
    if (String(own).length !== String(port).length)
      throw new Error(`ports ${port} and ${own} differ in length`)
    // As an integer of RESP, and as the end of a redirection.
    for (const [before, after] of [
      [':', '\r\n'],
      ['127.0.0.1:', ''],
    ] as const)
      ports.set(`${before}${port}${after}`, `${before}${own}${after}`)
  }
  return {
    nodes: links.map(({ port }) => `127.0.0.1:${port}`),
    set: fault => links.forEach(link => link.set(fault)),
    stallKept: () => links.forEach(link => link.stallKept()),
    reset: () => links.forEach(link => link.reset()),
    stop: async () => void (await Promise.all(links.map(link => link.stop()))),
  }
}

import { randomBytes } from 'node:crypto'
import type { FenceState, NodeRegistry, RegisteredNode, RegisteredNodes } from '../../engine/ports/index.js'
import type { RedisClient } from './client.js'
import type { Hints } from './hints.js'
import { listOf, numberOf, textOf } from './reply.js'
import { scriptRunner } from './script-runner.js'

export interface RedisRegistryOptions {
  readonly redis: RedisClient
  readonly namespace: string
  readonly hints: Hints
}

const CHANNEL = '#fence'

/**
 * The nodes of a namespace in Redis. Leases end by the server's own clock, so nodes need not agree on the time; that clock must
 * not be set forward by as much as a lease.
 */
export function redisNodeRegistry({ redis, namespace, hints }: RedisRegistryOptions): NodeRegistry {
  const scripts = scriptRunner(redis, `{strata:${namespace}}:f`)
  return {
    async renew(id, seen, leaseMs) {
      const reply = await scripts.run('renewNode', newEpoch(), id, seen.epoch, seen.seq, Math.ceil(leaseMs))
      const [epoch, seq, nodes] = listOf(reply)
      return { fence: { epoch: textOf(epoch), seq: numberOf(seq) }, nodes: numberOf(nodes) }
    },

    async others(id): Promise<RegisteredNodes> {
      const [wholeForMs, ...flat] = listOf(await scripts.run('otherNodes', id))
      const nodes: RegisteredNode[] = []
      for (let i = 0; i < flat.length; i += 4) {
        const [name, left, seq, epoch] = flat.slice(i, i + 4)
        const seen = { epoch: textOf(epoch), seq: numberOf(seq) }
        nodes.push({ id: textOf(name), seen, remainingMs: numberOf(left) })
      }
      return { nodes, wholeForMs: numberOf(wholeForMs) }
    },

    async leave(id) {
      await scripts.run('leaveNode', id)
    },

    async publish({ epoch, seq }) {
      await scripts.run('tell', CHANNEL, `${seq} ${epoch}`)
    },

    subscribe: listener =>
      hints.listen(CHANNEL, message => {
        const fence = readHint(message.toString('latin1'))
        if (fence !== undefined) listener(fence)
      }),
  }
}

function readHint(text: string): FenceState | undefined {
  const [, seq, epoch] = /^(\d{1,15}) (\S{1,64})$/.exec(text) ?? []
  return seq === undefined || epoch === undefined ? undefined : { epoch, seq: Number(seq) }
}

/** Name of an epoch, should one begin with this call. */
function newEpoch(): string {
  return randomBytes(6).toString('base64url')
}

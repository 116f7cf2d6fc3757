import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { FenceState, NodeRegistry } from '../../src/engine/ports/index.js'

export interface RegistryHarness {
  readonly registry: NodeRegistry
  /** The registry as another node has it. */
  readonly other: NodeRegistry
  /** Raises the fence of the store beneath. */
  raise(): Promise<FenceState>
  /** Lets time pass by the registry's clock. */
  pass(ms: number): Promise<void>
  cleanup(): Promise<void>
}

const NONE: FenceState = { epoch: '', seq: 0 }

/** The contract of the port in src/engine/ports/node-registry.ts. */
export function nodeRegistrySuite(name: string, open: () => Promise<RegistryHarness>): void {
  describe(`NodeRegistry contract: ${name}`, () => {
    let harness: RegistryHarness
    beforeEach(async () => {
      harness = await open()
    })
    afterEach(() => harness.cleanup())

    test('a renewal reads the fence, and others see what the node has seen', async () => {
      const { registry, other, raise } = harness
      const fence = await raise()
      expect(await registry.renew('a', NONE, 10_000)).toEqual({ fence, nodes: 1 })
      expect((await other.others('b')).nodes).toEqual([
        { id: 'a', seen: NONE, remainingMs: expect.any(Number) },
      ])
      expect(await registry.renew('a', fence, 10_000)).toEqual({ fence, nodes: 1 })
      const [node] = (await other.others('b')).nodes
      expect(node!.seen).toEqual(fence)
      expect(node!.remainingMs).toBeGreaterThan(0)
      expect(node!.remainingMs).toBeLessThanOrEqual(10_000)
    })

    test('a node does not see itself; all others, each with its own', async () => {
      const { registry, other, raise } = harness
      const [first, second] = [await raise(), await raise()]
      await registry.renew('a', first, 10_000)
      await other.renew('b', second, 20_000)
      await other.renew('c', second, 20_000)
      const seenBy = async (id: string) =>
        (await registry.others(id)).nodes.map(node => [node.id, node.seen.seq]).sort()
      expect(await seenBy('a')).toEqual([['b', second.seq], ['c', second.seq]]) // prettier-ignore
      expect(await seenBy('c')).toEqual([['a', first.seq], ['b', second.seq]]) // prettier-ignore
    })

    test('a node is gone when it leaves, and when its lease is over', async () => {
      const { registry, other, pass } = harness
      await registry.renew('a', NONE, 10_000)
      await registry.renew('b', NONE, 30)
      await other.leave('a')
      await other.leave('nobody')
      await pass(40)
      expect((await other.others('c')).nodes).toEqual([])
    })

    test('the list gets older', async () => {
      const { registry, pass } = harness
      await registry.renew('a', NONE, 10_000)
      const young = (await registry.others('a')).wholeForMs
      await pass(30)
      expect((await registry.others('a')).wholeForMs).toBeGreaterThanOrEqual(young + 30)
    })

    test('what is published reaches all who listen, until they no longer do', async () => {
      const { registry, other } = harness
      const heard: FenceState[] = []
      const first = new Promise<void>(resolve => {
        const stop = registry.subscribe(fence => {
          heard.push(fence)
          stop()
          resolve()
        })
      })
      const told = { epoch: 'e-_1', seq: 42 }
      const again = setInterval(() => void other.publish(told), 20) // a hint may get lost
      await first
      clearInterval(again)
      const second = new Promise<FenceState>(resolve => registry.subscribe(resolve))
      const more = setInterval(() => void other.publish({ epoch: 'e2', seq: 1 }), 20)
      await second
      clearInterval(more)
      expect(heard).toEqual([told])
    })
  })
}

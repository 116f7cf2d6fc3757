import { describe, expect, test } from '@jest/globals'
import { settle, UNKNOWN_NODES } from '../../../../src/engine/nodes/settle.js'
import type { FenceState, NodeRegistry, RegisteredNodes } from '../../../../src/engine/ports/index.js'
import { memoryRegistry } from '../../../support/node-doubles.js'
import { ManualTime } from '../../../support/manual-timers.js'

const OLD: FenceState = { epoch: 'e', seq: 4 }
const NEW: FenceState = { epoch: 'e', seq: 5 }
const LEASE = 1_000

/** A settle under way, with a hand on the clock. */
function begin(registry: NodeRegistry, time: ManualTime, settleMs = 2 * LEASE) {
  let pending: readonly string[] | undefined
  const started = time.monotonic()
  let took: number | undefined
  void settle(NEW, { registry, nodeId: 'me', clock: time, timers: time, leaseMs: LEASE, settleMs }).then(
    result => {
      pending = result
      took = time.monotonic() - started
    },
  )
  return {
    /** Moves on, a little at a time, so that what waits can ask again. */
    async pass(ms: number) {
      for (let i = 0; i < ms; i++) {
        await turns()
        time.advance(1)
      }
      await turns()
    },
    turns,
    get pending() {
      return pending
    },
    get took() {
      return took
    },
  }
}

const turns = () => new Promise<void>(resolve => setImmediate(resolve))

function grown(): { time: ManualTime; registry: NodeRegistry } {
  const time = new ManualTime()
  const registry = memoryRegistry(() => NEW, time)
  time.advance(10 * LEASE)
  return { time, registry }
}

describe('settle', () => {
  test('a node that is alone does not wait', async () => {
    const { time, registry } = grown()
    await registry.renew('me', OLD, LEASE)
    const settling = begin(registry, time)
    await turns()
    expect(settling.pending).toEqual([])
    expect(time.waiting).toBe(0)
  })

  test('nodes that have seen it, or more, are not waited for', async () => {
    const { time, registry } = grown()
    await registry.renew('a', NEW, LEASE)
    await registry.renew('b', { ...NEW, seq: 99 }, LEASE)
    const settling = begin(registry, time)
    await turns()
    expect(settling.pending).toEqual([])
  })

  test.each<[string, FenceState]>([
    ['has seen less', OLD],
    ['has seen another epoch', { epoch: 'before', seq: 77 }],
    ['has seen nothing', { epoch: '', seq: 0 }],
  ])('a node that %s: until it acknowledges', async (_name, seen) => {
    const { time, registry } = grown()
    await registry.renew('a', seen, LEASE)
    const settling = begin(registry, time)
    await settling.pass(200)
    expect(settling.pending).toBeUndefined()
    await registry.renew('a', NEW, LEASE)
    await settling.pass(60)
    expect(settling.pending).toEqual([])
  })

  test('a silent node: until its lease has run out, not longer', async () => {
    const { time, registry } = grown()
    await registry.renew('a', OLD, LEASE)
    time.advance(300)
    const settling = begin(registry, time)
    await settling.pass(699)
    expect(settling.pending).toBeUndefined()
    await settling.pass(2)
    expect(settling.pending).toEqual([])
    expect(settling.took).toBeGreaterThanOrEqual(700)
  })

  test('a node with a longer lease than this one', async () => {
    const { time, registry } = grown()
    await registry.renew('a', OLD, 3 * LEASE)
    const settling = begin(registry, time, 10 * LEASE)
    await settling.pass(3 * LEASE - 1)
    expect(settling.pending).toBeUndefined()
    await settling.pass(2)
    expect(settling.pending).toEqual([])
  })

  test('the limit: those of which it is not certain', async () => {
    const { time, registry } = grown()
    await registry.renew('a', OLD, LEASE)
    await registry.renew('b', NEW, LEASE)
    await registry.renew('c', OLD, LEASE)
    const settling = begin(registry, time, 400)
    await settling.pass(399)
    expect(settling.pending).toBeUndefined()
    await settling.pass(2)
    expect(settling.pending).toEqual(['a', 'c'])
  })

  test('a node that leaves is not waited for, one that comes later neither', async () => {
    const { time, registry } = grown()
    await registry.renew('a', OLD, LEASE)
    const settling = begin(registry, time)
    await settling.pass(100)
    await registry.leave('a')
    await registry.renew('new', { epoch: '', seq: 0 }, LEASE)
    await settling.pass(60)
    expect(settling.pending).toEqual([])
  })

  test('a list that is younger than a lease: nodes may be missing, until all leases from before it are over', async () => {
    const time = new ManualTime()
    const registry = memoryRegistry(() => NEW, time)
    time.advance(400)
    const settling = begin(registry, time)
    await settling.pass(599)
    expect(settling.pending).toBeUndefined()
    await settling.pass(2)
    expect(settling.pending).toEqual([])
    const soon = begin(
      memoryRegistry(() => NEW, time),
      time,
      100,
    )
    await soon.pass(101)
    expect(soon.pending).toEqual([UNKNOWN_NODES])
  })

  test('a list that gets lost meanwhile takes no node off', async () => {
    const { time, registry } = grown()
    await registry.renew('a', OLD, LEASE)
    const later: { registry: NodeRegistry } = { registry }
    const switching: NodeRegistry = { ...registry, others: id => later.registry.others(id) }
    const settling = begin(switching, time)
    await settling.pass(300)
    later.registry = memoryRegistry(() => NEW, time)
    await settling.pass(699)
    expect(settling.pending).toBeUndefined()
    await settling.pass(2)
    expect(settling.pending).toEqual([])
  })

  test.each<[string, () => Promise<RegisteredNodes>]>([
    ['fails', () => Promise.reject(new Error('gone'))],
    ['hangs', () => new Promise(() => undefined)],
  ])('a registry that %s: a whole lease, from which no node can answer any more', async (_name, others) => {
    const { time, registry } = grown()
    const settling = begin({ ...registry, others }, time, 5 * LEASE)
    await settling.pass(LEASE - 1)
    expect(settling.pending).toBeUndefined()
    await settling.pass(5 * LEASE)
    expect(settling.pending).toEqual([])
    const hasty = begin({ ...registry, others }, time, 100)
    await hasty.pass(102)
    expect(hasty.pending).toEqual([UNKNOWN_NODES])
  })
})

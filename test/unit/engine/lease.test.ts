import { describe, expect, test } from '@jest/globals'
import { Fence } from '../../../src/engine/fence/fence.js'
import { newMark } from '../../../src/engine/fence/mark.js'
import { Lease } from '../../../src/engine/lease.js'
import type { MetadataStore, NodeRegistry } from '../../../src/engine/ports/index.js'
import { guardMetadata } from '../../../src/stores/guarded.js'
import { memoryMetadataStore } from '../../../src/stores/memory/index.js'
import { ManualTime } from '../../support/manual-timers.js'
import { memoryRegistry } from '../../support/node-doubles.js'

const LEASE = 900
const turns = () => new Promise<void>(resolve => setImmediate(resolve))
const mark = () => newMark({ tag: 't' }, { at: 0 })

/** A store as if it were remote, with a registry; nodes on it. */
function cluster() {
  const time = new ManualTime()
  const local = memoryMetadataStore()
  const remote = remoteOf(local)
  const registry = memoryRegistry(() => local.peekFence!(), time)
  time.advance(10 * LEASE)
  const node = (id: string, own: Partial<NodeRegistry> = {}, clock = time) => {
    const lease: { current?: Lease } = {}
    const options = { maxMarks: 100, onReset: () => undefined, onMarks: () => undefined }
    const fence = new Fence(remote, { ...options, onRaised: state => lease.current!.tell(state) })
    lease.current = new Lease({
      metadata: remote,
      fence,
      clock,
      timers: time,
      leaseMs: LEASE,
      nodes: { id, registry: { ...registry, ...own } },
    })
    return { fence, lease: lease.current }
  }
  return { time, local, registry, node }
}

/** The same store, as if it were remote: it can't say its fence without a promise. */
function remoteOf(store: MetadataStore): MetadataStore {
  return guardMetadata(store, { timeoutMs: 10_000, breakerFailures: 99, breakerResetMs: 1 })
}

describe('lease', () => {
  test('nothing from memory before the node is registered', async () => {
    const { node, registry } = cluster()
    let open = () => {}
    const gate = new Promise<void>(resolve => (open = resolve))
    const { lease } = node('a', {
      renew: async (...args) => {
        await gate
        return registry.renew(...args)
      },
    })
    lease.start()
    await turns()
    expect(lease.holds()).toBe(false)
    open()
    await turns()
    expect(lease.holds()).toBe(true)
    expect((await registry.others('b')).nodes.map(({ id }) => id)).toEqual(['a'])
    await lease.stop()
  })

  test('counted from before it was asked for, not from the reply', async () => {
    const { node, registry, time } = cluster()
    const { lease } = node('a', {
      renew: async (...args) => {
        const renewed = await registry.renew(...args)
        time.advance(LEASE - 10) // on its way back
        return renewed
      },
    })
    lease.start()
    await turns()
    expect(lease.holds()).toBe(true)
    time.advance(9)
    expect(lease.holds()).toBe(true)
    time.advance(1)
    expect(lease.holds()).toBe(false)
    await lease.stop()
  })

  test('it ends before the registry believes it to', async () => {
    const { node, registry, time } = cluster()
    const { lease } = node('a', {
      renew: async (...args) => {
        time.advance(50) // on its way there
        return registry.renew(...args)
      },
    })
    lease.start()
    await turns()
    expect((await registry.others('b')).nodes[0]!.remainingMs).toBe(LEASE)
    time.advance(LEASE / 3 - 1)
    expect(lease.holds()).toBe(true)
    await lease.stop()
  })

  test('renewed in time it holds on; not renewed it ends; it comes back', async () => {
    const { node, registry, time } = cluster()
    let broken = false
    const { lease } = node('a', {
      renew: (...args) => (broken ? Promise.reject(new Error('gone')) : registry.renew(...args)),
    })
    lease.start()
    const pass = async (ms: number) => {
      for (let i = 0; i < ms; i += 10) {
        time.advance(10)
        await turns()
      }
    }
    await turns()
    for (let i = 0; i < 10; i++) {
      await pass(LEASE / 2)
      expect(lease.holds()).toBe(true)
    }
    broken = true
    await pass(LEASE)
    expect(lease.holds()).toBe(false)
    broken = false
    await pass(LEASE / 3)
    expect(lease.holds()).toBe(true)
    await lease.stop()
  })

  test('the monotonic clock stands still while a machine is suspended: the wall clock ends the lease', async () => {
    const { node, time } = cluster()
    let asleep = 0
    const clock = { now: () => time.now() + asleep, monotonic: () => time.monotonic() }
    const { lease } = node('a', {}, Object.assign(Object.create(time), clock) as ManualTime)
    lease.start()
    await turns()
    expect(lease.holds()).toBe(true)
    asleep = LEASE
    expect(lease.holds()).toBe(false)
    await lease.stop()
  })

  test('a renewal that can not catch up with the marks gives no lease', async () => {
    const { time, local, registry } = cluster()
    const failing: MetadataStore = {
      ...remoteOf(local),
      marksAfter: () => Promise.reject(new Error('gone')),
    }
    const fence = new Fence(failing, { maxMarks: 100, onReset: () => undefined, onMarks: () => undefined })
    const lease = new Lease({
      metadata: failing,
      fence,
      clock: time,
      timers: time,
      leaseMs: LEASE,
      nodes: { id: 'a', registry },
    })
    lease.start()
    await turns()
    expect(lease.holds()).toBe(false)
    await lease.stop()
  })

  test('an invalidation is acknowledged at the hint, with no time passing', async () => {
    const { node, registry, time } = cluster()
    const [a, b, c] = [node('a'), node('b'), node('c')]
    for (const { lease } of [a, b, c]) lease.start()
    await turns()
    const state = await a.fence.invalidate([mark()])
    let pending: readonly string[] | undefined
    void a.lease.settle(state).then(result => (pending = result))
    await turns()
    await turns()
    expect(b.fence.state()).toEqual(state)
    for (const { seen } of (await registry.others('x')).nodes) expect(seen).toEqual(state)
    time.advance(10) // the next look at the list
    await turns()
    expect(pending).toEqual([])
    for (const { lease } of [a, b, c]) await lease.stop()
  })

  test('without the hint: at the next renewal, and what a lookup has learnt before it is told as well', async () => {
    const { node, time } = cluster()
    const [a, b] = [node('a', { publish: async () => undefined }), node('b')]
    a.lease.start()
    b.lease.start()
    await turns()
    const state = await a.fence.invalidate([mark()])
    await b.fence.refresh()
    let pending: readonly string[] | undefined
    void a.lease.settle(state).then(result => (pending = result))
    for (let i = 0; i < LEASE / 3 + 60; i++) {
      await turns()
      time.advance(1)
    }
    await turns()
    expect(pending).toEqual([])
    await a.lease.stop()
    await b.lease.stop()
  })

  test('a node that has stopped answers nothing from memory, and is not waited for', async () => {
    const { node, registry } = cluster()
    const { lease } = node('a')
    lease.start()
    await turns()
    const stopped = lease.stop()
    expect(lease.holds()).toBe(false)
    await stopped
    expect((await registry.others('b')).nodes).toEqual([])
  })

  test('without a registry an invalidation waits a whole lease', async () => {
    const { time, local } = cluster()
    const remote = remoteOf(local)
    const fence = new Fence(remote, { maxMarks: 100, onReset: () => undefined, onMarks: () => undefined })
    const lease = new Lease({ metadata: remote, fence, clock: time, timers: time, leaseMs: LEASE })
    lease.start()
    await turns()
    expect(lease.holds()).toBe(true)
    let pending: readonly string[] | undefined
    void lease.settle(fence.state()).then(result => (pending = result))
    time.advance(LEASE - 1)
    await turns()
    expect(pending).toBeUndefined()
    time.advance(1)
    await turns()
    expect(pending).toEqual([])
    await lease.stop()
  })

  test('a store of this machine is asked on every hit, and nobody is waited for', async () => {
    const { time, local } = cluster()
    const fence = new Fence(local, { maxMarks: 100, onReset: () => undefined, onMarks: () => undefined })
    const lease = new Lease({ metadata: local, fence, clock: time, timers: time, leaseMs: LEASE })
    lease.start()
    await fence.load()
    expect(lease.holds()).toBe(true)
    await local.invalidate(['another process'])
    expect(lease.holds()).toBe(false)
    expect(await lease.settle(fence.state())).toEqual([])
    await lease.stop()
  })
})

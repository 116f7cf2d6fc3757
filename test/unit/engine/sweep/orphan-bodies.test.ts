import { expect, test } from '@jest/globals'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { OrphanBodies } from '../../../../src/engine/sweep/orphan-bodies.js'
import { Pass } from '../../../../src/engine/sweep/pass.js'
import { memoryBodyStore, memoryMetadataStore } from '../../../../src/stores/memory/index.js'
import { ManualTime } from '../../../support/manual-timers.js'

async function orphan(graceMs: number) {
  const store = memoryMetadataStore()
  const bodies = memoryBodyStore({ maxBytes: 1024 })
  const timers = new ManualTime()
  await store.reserveBody('l-orphan', 0)
  await bodies.put('l-orphan', Buffer.from('x'))
  const errors: unknown[] = []
  const orphans = new OrphanBodies(store, bodies, { timers, graceMs, onError: error => errors.push(error) })
  return { store, bodies, timers, orphans, errors }
}

test('a body stays for its readers until the grace is over, and no new entry can refer to it meanwhile', async () => {
  const { store, bodies, timers, orphans, errors } = await orphan(1000)
  await orphans.sweep(new Pass(0), Date.now())
  expect((await bodies.get('l-orphan')).toString()).toBe('x')
  expect(await store.reserveBody('l-orphan', Date.now() + 1000)).toBe('busy')
  timers.advance(999)
  await nextTurn()
  expect((await bodies.get('l-orphan')).toString()).toBe('x')
  timers.advance(1)
  await nextTurn()
  await expect(bodies.get('l-orphan')).rejects.toMatchObject({ code: 'STRATA_BODY_MISSING' })
  expect(await store.unknownBodies(['l-orphan'])).toEqual(['l-orphan'])
  expect(errors).toEqual([])
})

test('without a grace it goes at once', async () => {
  const { bodies, orphans } = await orphan(0)
  await orphans.sweep(new Pass(0), Date.now())
  await expect(bodies.get('l-orphan')).rejects.toMatchObject({ code: 'STRATA_BODY_MISSING' })
})

test('what waits when the process stops is left to the ledger', async () => {
  const { bodies, timers, orphans } = await orphan(1000)
  await orphans.sweep(new Pass(0), Date.now())
  orphans.stop()
  timers.advance(5000)
  await nextTurn()
  expect((await bodies.get('l-orphan')).toString()).toBe('x')
})

import { expect, test } from '@jest/globals'
import { SharedReads } from '../../../../src/engine/body/shared-reads.js'
import type { BodyStore } from '../../../../src/engine/ports/index.js'
import { memoryBodyStore } from '../../../../src/stores/memory/index.js'
import { sampleBody } from '../../../support/entries.js'

/** A store that counts what it is asked for, and answers a little later. */
function counted() {
  const store = memoryBodyStore({ maxBytes: 1e6 })
  const asked: string[] = []
  const bodies: Pick<BodyStore, 'get'> = {
    get: async id => {
      asked.push(id)
      await new Promise(resolve => setImmediate(resolve))
      return store.get(id)
    },
  }
  return { store, asked, reads: new SharedReads(bodies as BodyStore) }
}

test('who comes while a body is read has it too; who comes later reads anew', async () => {
  const { store, asked, reads } = counted()
  const [one, two] = [sampleBody('one'), sampleBody('two')]
  await store.put(one.id, Buffer.from('one'))
  await store.put(two.id, Buffer.from('two'))
  const got = await Promise.all([reads.read(one), reads.read(two), reads.read(one), reads.read(one)])
  expect(got.map(String)).toEqual(['one', 'two', 'one', 'one'])
  expect(asked).toEqual([one.id, two.id])
  await reads.read(one)
  expect(asked).toHaveLength(3)
})

test('a failure is told to all who wait, and not kept', async () => {
  const { store, reads } = counted()
  const body = sampleBody('late')
  const both = await Promise.allSettled([reads.read(body), reads.read(body)])
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await store.put(body.id, Buffer.from('late'))
  expect(String(await reads.read(body))).toBe('late')
})

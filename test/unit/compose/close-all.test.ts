import { expect, test } from '@jest/globals'
import { closeAll } from '../../../src/compose/close-all.js'

test('each step begins when the one before it is over, and failures keep none from being taken', async () => {
  const order: string[] = []
  const step = (name: string, fails: boolean) => async () => {
    order.push(`${name} begins`)
    await new Promise(resolve => setImmediate(resolve))
    order.push(`${name} is over`)
    if (fails) throw new Error(name)
  }
  const thrown = () => {
    order.push('c')
    throw new Error('c')
  }
  await expect(closeAll([step('a', false), step('b', true), thrown, step('d', true)])).rejects.toThrow('b')
  expect(order).toEqual(['a begins', 'a is over', 'b begins', 'b is over', 'c', 'd begins', 'd is over'])
})

test('without a failure it resolves', async () => {
  await expect(closeAll([() => 1, () => Promise.resolve(2)])).resolves.toBeUndefined()
  await expect(closeAll([])).resolves.toBeUndefined()
})

test('an error that is undefined is an error', async () => {
  await expect(closeAll([() => Promise.reject(undefined), () => 1])).rejects.toBeUndefined()
})

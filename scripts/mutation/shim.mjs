import { expect } from 'expect'

/** What `@jest/globals` gives to the tests of pure functions, without jest: tests are collected, and run as often as wanted. */
export const collected = []
const path = []

export function describe(name, body) {
  path.push(name)
  body()
  path.pop()
}

export function test(name, run) {
  collected.push({ name: [...path, name].join(' › '), run })
}

test.each = table => (name, run) => {
  for (const row of table) {
    const args = Array.isArray(row) ? row : [row]
    test(`${name} ${JSON.stringify(args[0])}`, () => run(...args))
  }
}
describe.each = table => (name, body) => {
  for (const row of table) describe(name, () => body(...(Array.isArray(row) ? row : [row])))
}

export { expect }

import { expect, test } from '@jest/globals'
import { loadConfig } from '../../../src/config/index.js'

const faults = (options: object) => {
  try {
    loadConfig({ options })
    return []
  } catch (error) {
    return (error as { faults: { path: string; message: string }[] }).faults
  }
}

test('a tag may name as many parts as every glob of the rule has', () => {
  expect(faults({ rules: [{ match: '/c/*/i/**', tags: ['c:{1}', 'i:{2}'] }] })).toEqual([])
  expect(faults({ rules: [{ match: ['/c/*', '/**/x/*'], tags: ['c:{1}'] }] })).toEqual([])
  expect(faults({ rules: [{ match: ['/c/*', '/d'], tags: ['plain', 'c:{1}'] }] })).toEqual([
    { path: 'rules[0].tags[1]', message: expect.stringContaining('match has only 0 wildcards') },
  ])
})

test('defaults have no path to take parts from', () => {
  expect(faults({ defaults: { tags: ['all'] } })).toEqual([])
  expect(faults({ defaults: { tags: ['c:{1}'] } })).toEqual([
    { path: 'defaults.tags', message: expect.stringContaining('only in a rule') },
  ])
})

test.each(['/*/*/*/*.png', '/*-*/**', '/**/x/*', '/a/**'])('parts of a path can be taken by %s', match => {
  expect(faults({ rules: [{ match, tags: ['t:{1}'] }] })).toEqual([])
})

test.each(['/*-*-*', '/**/x/**/*-*', '/**/a/**/b/**'])(
  'but not by %s, for it would take the time of the cube; without parts it may stand',
  match => {
    const message = expect.stringContaining('too many wildcards')
    expect(faults({ rules: [{ match: ['/ok/*', match], tags: ['t:{1}'] }] })).toEqual([
      { path: 'rules[0].match[1]', message },
    ])
    expect(faults({ rules: [{ match, tags: ['t:{1}'] }] })).toEqual([{ path: 'rules[0].match', message }])
    expect(faults({ rules: [{ match, tags: ['plain'] }] })).toEqual([])
  },
)

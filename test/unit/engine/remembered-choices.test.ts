import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { selectCandidate } from '../../../src/engine/candidates.js'
import type { EntryCandidate } from '../../../src/engine/candidates.js'
import { RememberedChoices } from '../../../src/engine/remembered-choices.js'
import { digestedFields } from '../../../src/http/vary.js'
import { sampleEntry, T0 } from '../../support/entries.js'

const LANGUAGES = [null, 'en', 'fr', 'en;q=0.5, fr', 'de, en;q=0.1']
const CODINGS = [null, 'gzip', 'identity', 'gzip;q=0', 'br, gzip']

function candidate(
  selecting: EntryCandidate['stored']['selecting'],
  { coding, language, at = 0 }: { coding?: string | undefined; language?: string; at?: number } = {},
): EntryCandidate {
  const fields = ['Date', new Date(T0 + at * 1000).toUTCString()]
  if (coding !== undefined) fields.push('Content-Encoding', coding)
  if (language !== undefined) fields.push('Content-Language', language)
  const stored = sampleEntry({ selecting, fields, variant: `v${at}` })
  return { stored, coding, soft: false } as unknown as EntryCandidate
}

/** Counts how often the request is looked at by the choice itself: it asks again for a field that the key has asked for. */
function asking(values: Record<string, string | null>) {
  const asked: string[] = []
  return { asked, get: (name: string) => (asked.push(name), values[name] ?? null) }
}

describe('choices among variants in memory', () => {
  test('are what selectCandidate says, also the second time, for any group and request', () => {
    const value = (all: readonly (string | null)[]) => fc.constantFrom(...all)
    const variant = fc.record({
      language: value(LANGUAGES),
      coding: value(CODINGS),
      encoded: fc.boolean(),
      by: fc.subarray(['accept-language', 'accept-encoding']),
      at: fc.integer({ min: 0, max: 5 }),
    })
    fc.assert(
      fc.property(
        fc.array(variant, { minLength: 1, maxLength: 8 }),
        fc.array(fc.tuple(value(LANGUAGES), value(CODINGS)), { minLength: 1, maxLength: 10 }),
        (variants, requests) => {
          const group = variants.map(({ language, coding, encoded, by, at }) =>
            candidate(
              by.map(name => ({ name, value: name === 'accept-language' ? language : coding })),
              { at, coding: encoded ? 'gzip' : undefined, language: language?.slice(0, 2) ?? 'en' },
            ),
          )
          const choices = new RememberedChoices()
          for (const [language, coding] of [...requests, ...requests]) {
            const get = (name: string) =>
              name === 'accept-language' ? language : name === 'accept-encoding' ? coding : null
            expect(choices.select(group, get)).toBe(selectCandidate(group, get))
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  test('the second request of the same kind is answered from memory, one that says another thing is not', () => {
    const group = ['en', 'fr'].map((value, at) => candidate([{ name: 'accept-language', value }], { at }))
    const choices = new RememberedChoices()
    const [first, second, other] = ['en', 'en', 'fr'].map(language => asking({ 'accept-language': language }))
    expect(choices.select(group, first!.get)).toBe(group[0])
    expect(choices.select(group, second!.get)).toBe(group[0])
    expect(choices.select(group, other!.get)).toBe(group[1])
    expect(second!.asked).toEqual(['accept-encoding', 'accept-language'])
    expect(other!.asked.length).toBeGreaterThan(2)
  })

  test('values run into one another nowhere', () => {
    const group = ['b', 'ab'].map((value, at) =>
      candidate(
        [
          { name: 'x', value: at === 0 ? 'a' : '' },
          { name: 'y', value },
        ],
        { at },
      ),
    )
    const choices = new RememberedChoices()
    expect(choices.select(group, asking({ x: 'a', y: 'b' }).get)).toBe(group[0])
    expect(choices.select(group, asking({ x: '', y: 'ab' }).get)).toBe(group[1])
    expect(choices.select(group, asking({ x: 'ab', y: '' }).get)).toBeUndefined()
  })

  test('nothing is kept of values that are only kept as digests', () => {
    const group = ['secret', 'other'].map((value, at) =>
      candidate(
        digestedFields(['x-key'], () => value),
        { at },
      ),
    )
    const choices = new RememberedChoices()
    for (let i = 0; i < 2; i++) {
      const { asked, get } = asking({ 'x-key': 'secret' })
      expect(choices.select(group, get)).toBe(group[0])
      expect(asked[0]).toBe('x-key')
    }
  })

  test('what clients make up pushes everything out, and answers stay right', () => {
    const group = ['en', 'fr'].map((value, at) => candidate([{ name: 'accept-language', value }], { at }))
    const choices = new RememberedChoices()
    for (let i = 0; i < 10_000; i++) {
      expect(choices.select(group, asking({ 'accept-language': `x${i}` }).get)).toBeUndefined()
    }
    expect(choices.select(group, asking({ 'accept-language': 'x'.repeat(10_000) }).get)).toBeUndefined()
    expect(choices.select(group, asking({ 'accept-language': 'fr' }).get)).toBe(group[1])
  })
})

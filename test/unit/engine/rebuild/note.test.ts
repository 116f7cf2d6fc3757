import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { decodeNote, encodeNote } from '../../../../src/engine/rebuild/note.js'
import { sampleBody, sampleEntry } from '../../../support/entries.js'

describe('an entry as a note beside its body', () => {
  test('there and back', () => {
    const entry = sampleEntry({ variant: 'v-1', body: sampleBody('small') })
    const note = encodeNote(entry, entry.body)!
    expect(note).toMatch(/^[A-Za-z0-9._-]+$/)
    expect(decodeNote(note)).toEqual(entry)
  })

  test('what is too long for the store has none', () => {
    // Nothing that would compress.
    const tags = Array.from({ length: 200 }, (_, i) => `${Math.sin(i)}`)
    const entry = sampleEntry({ tags })
    expect(encodeNote(entry, entry.body)).toBeUndefined()
  })

  test('another format, names that are none, and what inflates beyond bounds are no note', () => {
    const entry = sampleEntry()
    const [, key, variant, packed] = encodeNote(entry, entry.body)!.split('.') as [
      string,
      string,
      string,
      string,
    ]
    for (const note of [
      '',
      `2.${key}.${variant}.${packed}`,
      `1.short.${variant}.${packed}`,
      `1.${key}.v/1.${packed}`,
      `1.${key}.${variant}.${packed}.more`,
      `1.${key}.${variant}.`,
    ])
      expect(decodeNote(note)).toBeUndefined()
  })

  test('any damage is no note, or a valid entry: never an error', () => {
    const entry = sampleEntry()
    const note = encodeNote(entry, entry.body)!
    fc.assert(
      fc.property(fc.nat(note.length - 1), fc.constantFrom('A', 'z', '.', '_', ''), (at, put) => {
        const read = decodeNote(note.slice(0, at) + put + note.slice(at + 1))
        expect(read === undefined || typeof read.url === 'string').toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { StrataError } from '../../../src/errors.js'
import type { EntryCandidate } from '../../../src/engine/candidates.js'
import { Flight } from '../../../src/engine/flight.js'
import { HEAD, Notes } from '../../support/flight-notes.js'

function makeFlight({ bufferBytes = 10, stallMs = 60_000 } = {}) {
  const calls = { ready: 0, deserted: 0 }
  const flight = new Flight({ bufferBytes, stallMs })
  flight.ledBy({ resume: () => calls.ready++, deserted: () => calls.deserted++ })
  const joined = (reader = new Notes()) => {
    expect(flight.join(reader)).toBe(true)
    return reader
  }
  const chunk = (text: string) => flight.chunk(Buffer.from(text))
  return { flight, calls, joined, chunk }
}

describe('readers', () => {
  test('all that join before the head get everything', () => {
    const { flight, joined, chunk } = makeFlight()
    const readers = [joined(), joined()]
    flight.head(HEAD)
    chunk('ab')
    chunk('c')
    flight.end()
    for (const { log } of readers) expect(log).toEqual(['head 200', 'ab', 'c', 'end'])
  })

  test('one that joins late starts from the first byte, while the beginning is kept', () => {
    const { flight, joined, chunk } = makeFlight({ bufferBytes: 4 })
    joined()
    flight.head(HEAD)
    chunk('ab')
    chunk('cd')
    const late = joined()
    expect(late.log).toEqual(['head 200', 'ab', 'cd'])
    chunk('e')
    flight.end()
    expect(late.log).toEqual(['head 200', 'ab', 'cd', 'e', 'end'])
    expect(flight.join(new Notes())).toBe(false)
  })

  test('one that joins after the end, before the commit, has the whole at once', () => {
    const { flight, joined, chunk } = makeFlight()
    joined()
    flight.head(HEAD)
    chunk('ab')
    flight.end()
    expect(flight.ended).toBe(true)
    expect(joined().log).toEqual(['head 200 whole', 'ab', 'end'])
    expect(flight.deserted).toBe(true)
    flight.settle()
    expect(flight.join(new Notes())).toBe(false)
  })

  test('a late reader that does not accept the head stays outside, and is told nothing', () => {
    const { flight, joined } = makeFlight()
    joined()
    flight.head(HEAD)
    const other = new Notes(() => false)
    expect(flight.join(other)).toBe(false)
    expect(other.log).toEqual([])
  })
})

describe('release (P6, P7)', () => {
  test('an uncacheable answer is the leader alone; all others are released at once', () => {
    const { flight, joined, chunk } = makeFlight()
    const [leader, follower, third] = [joined(), joined(), joined()]
    flight.head({ ...HEAD, refusal: 'private' })
    expect(flight.join(new Notes())).toBe(false)
    chunk('secret')
    flight.end()
    expect(leader.log).toEqual(['head 200', 'secret', 'end'])
    expect(follower.log).toEqual(['released'])
    expect(third.log).toEqual(['released'])
  })

  test("it stays nobody's when the leader has left", () => {
    const { flight, joined } = makeFlight()
    const [leader, follower] = [joined(), joined()]
    flight.leave(leader)
    flight.head({ ...HEAD, refusal: 'set-cookie' })
    expect(follower.log).toEqual(['released'])
    expect(flight.deserted).toBe(true)
  })

  test('a follower of another variant is released; the leader is not asked', () => {
    const { flight, joined } = makeFlight()
    const leader = joined(new Notes(() => false))
    const follower = joined(new Notes(() => false))
    flight.head(HEAD)
    expect(leader.log).toEqual(['head 200'])
    expect(follower.log).toEqual(['released'])
  })

  test('disband: all go their own way, after it is settled', () => {
    const { flight, joined } = makeFlight()
    const reader = joined()
    let settledFirst = false
    flight.whenSettled(() => (settledFirst = reader.log.length === 0))
    flight.disband()
    expect(reader.log).toEqual(['released'])
    expect(settledFirst).toBe(true)
  })
})

describe('the end of a flight', () => {
  test('failure and stored answers reach all, once', () => {
    const error = new StrataError('STRATA_ORIGIN_UNREACHABLE', 'x')
    const first = makeFlight()
    const failing = [first.joined(), first.joined()]
    first.flight.fail(error)
    first.flight.fail(error)
    for (const { log } of failing) expect(log).toEqual(['failure STRATA_ORIGIN_UNREACHABLE'])

    const second = makeFlight()
    const waiting = [second.joined(), second.joined()]
    second.flight.stored({} as EntryCandidate, 'REVALIDATED', 'not-modified')
    for (const { log } of waiting) expect(log).toEqual(['stored REVALIDATED not-modified'])
    expect(first.flight.settled && second.flight.settled).toBe(true)
  })

  test('whenSettled calls back once, and at once when it is over', () => {
    const { flight } = makeFlight()
    let calls = 0
    flight.whenSettled(() => calls++)
    expect(calls).toBe(0)
    flight.settle()
    flight.settle()
    expect(calls).toBe(1)
    flight.whenSettled(() => calls++)
    expect(calls).toBe(2)
  })

  test('deserted is told when the last reader leaves, and only then', () => {
    const { flight, calls, joined } = makeFlight()
    const [a, b] = [joined(), joined()]
    flight.leave(a)
    flight.leave(a)
    expect([calls.deserted, flight.deserted]).toEqual([0, false])
    flight.leave(b)
    expect([calls.deserted, flight.deserted]).toEqual([1, true])
  })
})

describe('back-pressure (P8)', () => {
  test('holds while any reader is full, and is let go when the last is ready or leaves', () => {
    const { flight, calls, joined, chunk } = makeFlight()
    const [a, b] = [joined(), joined()]
    flight.head(HEAD)
    a.full = b.full = true
    chunk('x')
    expect(flight.blocked).toBe(true)
    flight.ready(a)
    expect([flight.blocked, calls.ready]).toEqual([true, 0])
    flight.leave(b)
    expect([flight.blocked, calls.ready]).toEqual([false, 1])
    flight.ready(a)
    expect(calls.ready).toBe(1)
  })

  test('a late reader that is full from what was kept holds, too', () => {
    const { flight, joined, chunk } = makeFlight()
    joined()
    flight.head(HEAD)
    chunk('x')
    const late = new Notes()
    late.full = true
    joined(late)
    expect(flight.blocked).toBe(true)
    flight.ready(late)
    expect(flight.blocked).toBe(false)
  })

  test('a reader that leaves as it is written to holds nobody up', () => {
    const { flight, joined, chunk } = makeFlight()
    const [a, b] = [joined(), joined()]
    flight.head(HEAD)
    a.full = true
    a.onEach = () => flight.leave(a)
    chunk('x')
    expect(flight.blocked).toBe(false)
    b.onEach = () => expect(flight.deserted).toBe(false)
    chunk('y')
    expect(a.log).toEqual(['head 200', 'x'])
    expect(b.log).toEqual(['head 200', 'x', 'y'])
  })

  test('one that is made to leave by another gets nothing more', () => {
    const { flight, joined, chunk } = makeFlight()
    const [a, b] = [joined(), joined()]
    flight.head(HEAD)
    a.onEach = () => flight.leave(b)
    b.full = true
    chunk('x')
    expect([b.log, flight.blocked]).toEqual([['head 200'], false])
  })
})

describe('a reader that takes nothing', () => {
  const stallMs = 5
  /** Armed after the flight's own timer of the same length, so it rings after it. */
  const stallTime = () => new Promise(resolve => setTimeout(resolve, stallMs))

  test('is cut off while others wait', async () => {
    const { flight, calls, joined, chunk } = makeFlight({ stallMs })
    const [slow, other] = [joined(), joined()]
    flight.head(HEAD)
    slow.full = true
    chunk('x')
    expect((await slow.failed).code).toBe('STRATA_ORIGIN_ABORTED')
    expect([flight.blocked, calls.ready, calls.deserted]).toEqual([false, 1, 0])
    expect(other.log).toEqual(['head 200', 'x'])
  })

  test('is left in peace while it is alone, and cut off after somebody has come', async () => {
    const { flight, joined, chunk } = makeFlight({ stallMs })
    const slow = joined()
    flight.head(HEAD)
    slow.full = true
    chunk('x')
    await stallTime()
    expect([slow.log, flight.blocked]).toEqual([['head 200', 'x'], true])
    const late = joined()
    await slow.failed
    expect(flight.blocked).toBe(false)
    chunk('y')
    expect(late.log).toEqual(['head 200', 'x', 'y'])
    flight.end()
    expect(slow.log).toEqual(['head 200', 'x', 'failure STRATA_ORIGIN_ABORTED'])
  })
})

test('whatever happens, each reader gets a prefix of the bytes, all of them before an end, and one ending', () => {
  const step = fc.oneof(
    fc.constantFrom('join', 'head', 'end', 'settle', 'fail', 'refuse'),
    fc.nat(3).map(i => `leave ${i}`),
    fc.nat(3).map(i => `ready ${i}`),
    fc.nat(3).map(i => `fill ${i}`),
    fc.constantFrom('chunk a', 'chunk bc', 'chunk def'),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), steps => {
      const { flight, chunk } = makeFlight({ bufferBytes: 5 })
      const readers: Notes[] = []
      const left = new Set<Notes>()
      let sent = ''
      let state: 'waiting' | 'streaming' | 'ended' = 'waiting'
      for (const text of steps) {
        const [name, arg = ''] = text.split(' ')
        const reader = readers[Number(arg)]
        if (name === 'join') {
          const notes = new Notes()
          if (flight.join(notes)) readers.push(notes)
          else expect(notes.log).toEqual([])
        } else if (name === 'leave' && reader !== undefined) {
          flight.leave(reader)
          left.add(reader)
        } else if (name === 'ready' && reader !== undefined) {
          reader.full = false
          flight.ready(reader)
        } else if (name === 'fill' && reader !== undefined) reader.full = true
        else if ((name === 'head' || name === 'refuse') && state === 'waiting' && !flight.settled) {
          flight.head({ ...HEAD, refusal: name === 'refuse' ? 'private' : undefined })
          state = 'streaming'
        } else if (name === 'chunk' && state === 'streaming') {
          chunk(arg)
          sent += arg
        } else if (name === 'end' && state === 'streaming') {
          flight.end()
          state = 'ended'
        } else if (name === 'fail' && state !== 'ended') {
          flight.fail(new StrataError('STRATA_ORIGIN_ABORTED', 'x'))
          state = 'ended'
        } else if (name === 'settle' && state === 'ended') flight.settle()
      }
      for (const { log } of readers) {
        const endings = log.filter(line => /^(end|failure|released|stored)/.test(line))
        expect(endings.length).toBeLessThanOrEqual(1)
        if (endings.length === 1) expect(log.at(-1)).toBe(endings[0])
        const got = log.filter(line => !/^(head|end|failure|released)/.test(line)).join('')
        expect(sent.startsWith(got)).toBe(true)
        if (endings[0] === 'end') expect(got).toBe(sent)
      }
      if (state === 'ended') {
        expect(flight.blocked).toBe(false)
        for (const reader of readers)
          if (!left.has(reader)) expect(reader.log.some(l => /^(end|failure|released)/.test(l))).toBe(true)
      }
    }),
    { numRuns: 500 },
  )
})

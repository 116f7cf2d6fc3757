import { beforeEach, describe, expect, test } from '@jest/globals'
import { StrataError } from '../../../src/errors.js'
import type { OriginRequest, OriginSink, ResponseHead } from '../../../src/engine/origin.js'
import { OriginTurns } from '../../../src/engine/origin-turns.js'

const REQUEST: OriginRequest = {
  method: 'GET',
  target: '/a',
  scheme: 'http',
  authority: 'h',
  fields: [],
  body: undefined,
}
const head = (status: number): ResponseHead => ({ status, reason: '', fields: [], delimited: true })

let log: string[]
/** Of each request, in their order. */
let sinks: OriginSink[]
let turns: OriginTurns
/** Told of each head, before anything else of that answer. */
let onHead: (head: ResponseHead) => void
beforeEach(() => {
  log = []
  sinks = []
  onHead = () => {}
  const fetch = (_request: OriginRequest, sink: OriginSink) => {
    const name = sinks.push(sink)
    return { abort: () => void log.push(`abort ${name}`), deserted: () => void log.push(`deserted ${name}`) }
  }
  turns = new OriginTurns(
    { fetch },
    {
      onInterim: status => void log.push(`interim ${status}`),
      onHead: head => {
        log.push(`head ${head.status}`)
        onHead(head)
      },
      onData: chunk => void log.push(`data ${chunk.toString()}`),
      onEnd: () => void log.push('end'),
      onFailure: error => void log.push(error.code),
      onBroken: error => void log.push(`broken ${(error as Error).message}`),
      resume: () => {
        log.push('ready')
        turns.resume()
      },
    },
  )
})

const flow = { pause: () => void log.push('pause'), resume: () => void log.push('resume') }

/** A step that waits until it is let go on. */
function step(then: () => void = () => {}) {
  let release = () => {}
  const released = new Promise<void>(resolve => (release = resolve))
  return { run: () => released.then(then), release }
}

const settled = () => new Promise(resolve => setImmediate(resolve))

test('an answer is told as it comes', () => {
  turns.begin(REQUEST)
  sinks[0]!.onInterim(103, [])
  sinks[0]!.onHead(head(200), flow)
  sinks[0]!.onData(Buffer.from('a'))
  turns.pause()
  turns.resume()
  sinks[0]!.onEnd()
  expect(log).toEqual(['interim 103', 'head 200', 'data a', 'pause', 'resume', 'end'])
})

test('nothing of it counts once it is ignored, or another request is under way', () => {
  turns.begin(REQUEST)
  turns.ignoreRest()
  sinks[0]!.onHead(head(304), flow)
  turns.begin(REQUEST)
  sinks[0]!.onFailure(new StrataError('STRATA_ORIGIN_TRUNCATED', ''))
  sinks[1]!.onHead(head(200), flow)
  expect(log).toEqual(['head 200'])
})

test('what is dropped is aborted, and what nobody waits for is told to the request of now', () => {
  turns.begin(REQUEST)
  turns.begin(REQUEST)
  turns.deserted()
  turns.drop()
  sinks[1]!.onData(Buffer.from('a'))
  expect(log).toEqual(['deserted 2', 'abort 2'])
})

describe('while a step waits', () => {
  test('the origin is held back, and what comes all the same follows the step in order', async () => {
    const { run, release } = step(() => void log.push('step'))
    onHead = () => turns.hold(run)
    turns.begin(REQUEST)
    sinks[0]!.onHead(head(200), flow)
    sinks[0]!.onData(Buffer.from('a'))
    sinks[0]!.onEnd()
    expect(log).toEqual(['head 200', 'pause'])
    release()
    await settled()
    expect(log).toEqual(['head 200', 'pause', 'step', 'data a', 'end', 'ready', 'resume'])
  })

  test('of a request that the step makes anew all is told, of the one before nothing', async () => {
    const { run, release } = step(() => {
      turns.drop()
      turns.begin(REQUEST)
      // A handler may answer at once.
      sinks[1]!.onHead(head(201), flow)
      sinks[1]!.onData(Buffer.from('b'))
    })
    onHead = ({ status }) => {
      if (status === 200) turns.hold(run)
    }
    turns.begin(REQUEST)
    sinks[0]!.onHead(head(200), flow)
    sinks[0]!.onData(Buffer.from('a'))
    release()
    await settled()
    sinks[1]!.onEnd()
    expect(log).toEqual([
      ...['head 200', 'pause', 'abort 1', 'head 201', 'data b'],
      ...['ready', 'resume', 'end'],
    ])
  })

  test('a step within what was held back holds back the rest of it', async () => {
    const [first, second] = [step(), step(() => void log.push('second'))]
    onHead = () => turns.hold(first.run)
    turns.begin(REQUEST)
    sinks[0]!.onInterim(103, [])
    sinks[0]!.onHead(head(200), flow)
    sinks[0]!.onHead(head(201), flow)
    sinks[0]!.onData(Buffer.from('a'))
    onHead = () => turns.hold(second.run)
    first.release()
    await settled()
    expect(log).toEqual([
      ...['interim 103', 'head 200', 'pause', 'head 201', 'pause'],
      ...['ready', 'resume'],
    ])
    second.release()
    await settled()
    expect(log.slice(-4)).toEqual(['second', 'data a', 'ready', 'resume'])
  })
})

test('a fault is told, be it of a step that waits or of one that does not', async () => {
  const { run, release } = step(() => {
    throw new Error('late')
  })
  onHead = ({ status }) => {
    if (status === 200) throw new Error('at once')
    turns.hold(run)
  }
  turns.begin(REQUEST)
  sinks[0]!.onHead(head(200), flow)
  sinks[0]!.onHead(head(201), flow)
  release()
  await settled()
  expect(log.filter(line => line.startsWith('broken'))).toEqual(['broken at once', 'broken late'])
})

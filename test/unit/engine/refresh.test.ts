import { describe, expect, jest, test } from '@jest/globals'
import type { Exchange } from '../../../src/engine/exchange.js'
import type { OriginSink } from '../../../src/engine/origin.js'
import { Hottest } from '../../../src/engine/refresh/hottest.js'
import { OriginBudget } from '../../../src/engine/refresh/origin-budget.js'
import { Refresher } from '../../../src/engine/refresh/refresher.js'
import { identify } from '../../../src/engine/identity.js'
import { Rules } from '../../../src/engine/rules.js'
import { loadConfig, toEngineSettings } from '../../../src/config/index.js'
import { refreshRequest } from '../../../src/server/refresh-request.js'
import { sampleEntry } from '../../support/entries.js'
import { ManualTime } from '../../support/manual-timers.js'

const rulesOf = (rules: { match: string; keyHeaders?: string[] }[] = []) =>
  new Rules(toEngineSettings(loadConfig({ options: { rules } })))

const entryFor = (url: string, selecting: { name: string; value: string | null }[] = []) => {
  const draft = sampleEntry({ url, selecting })
  const request = refreshRequest(draft, { viaName: 'strata' })!
  return { ...draft, key: identify(request, rulesOf().match(request.path)).key }
}

/** A refresher whose journey sends each request to an origin that answers when the test says so. */
function made(
  settings: Partial<{ rate: number; concurrency: number; maxEntries: number }> = {},
  rules = rulesOf(),
) {
  const time = new ManualTime()
  const asked: string[] = []
  const sinks: OriginSink[] = []
  const warn = jest.fn<(what: string, details: Record<string, unknown>) => void>()
  const origin = {
    fetch: (_: unknown, sink: OriginSink) => {
      sinks.push(sink)
      return { abort() {} }
    },
  }
  const run = (x: Exchange) => {
    asked.push(`${x.request.path}${x.request.query === undefined ? '' : `?${x.request.query}`}`)
    const none = () => {}
    x.origin.fetch({} as never, {
      ...{ onInterim: none, onHead: none, onData: none },
      onEnd: () => x.responder.end(),
      onFailure: error => x.responder.fail(error, []),
    })
    return true
  }
  const refresher = new Refresher(
    {
      ...{ journey: { run }, origin, rules, clock: time, timers: time, events: { warn } },
      requestFor: entry => refreshRequest(entry, { viaName: 'strata' }),
    },
    { rate: 10, concurrency: 2, maxEntries: 100, ...settings },
  )
  const turn = async () => {
    for (let i = 0; i < 3; i++) await new Promise(resolve => setImmediate(resolve))
  }
  const answer = async (status = 200) => {
    const sink = sinks.shift()!
    sink.onHead({ status, reason: '', fields: [], delimited: true }, { pause() {}, resume() {} })
    sink.onEnd()
    await turn()
  }
  const fail = async () => {
    sinks.shift()!.onFailure(new Error('refused') as never)
    await turn()
  }
  return { refresher, time, asked, sinks, answer, fail, warn, turn }
}

const urls = (n: number) => Array.from({ length: n }, (_, i) => entryFor(`http://h/${i}`))

describe('refresh after purge', () => {
  test('keeps to the rate, and to so many at once', async () => {
    const { refresher, time, asked, answer } = made({ rate: 10, concurrency: 2 })
    refresher.refresh(urls(5))
    expect(asked).toEqual(['/0'])
    time.advance(99)
    expect(asked).toHaveLength(1)
    time.advance(1)
    expect(asked).toEqual(['/0', '/1'])
    time.advance(1000)
    expect(asked).toHaveLength(2)
    await answer()
    expect(asked).toEqual(['/0', '/1', '/2'])
    await answer()
    await answer()
    for (let i = 0; i < 2; i++) {
      time.advance(100)
      await answer()
    }
    expect(asked).toEqual(['/0', '/1', '/2', '/3', '/4'])
    expect(refresher.waiting).toBe(0)
  })

  test('an origin that fails is asked less and less, and after ten in a row not at all', async () => {
    const { refresher, time, asked, fail, warn } = made({ rate: 10, concurrency: 1 })
    refresher.refresh(urls(30))
    const times: number[] = []
    while (refresher.waiting > 0 && times.length < 30) {
      await fail()
      const from = time.now()
      const before = asked.length
      for (let i = 0; i < 1000 && asked.length === before && refresher.waiting > 0; i++) time.advance(100)
      times.push(time.now() - from)
    }
    expect(asked).toHaveLength(10)
    expect(times.slice(0, 6)).toEqual([200, 400, 800, 1600, 3200, 6400])
    expect(warn).toHaveBeenCalledWith('refresh-given-up', { left: 20 })
    refresher.refresh(urls(1))
    time.advance(10_000)
    expect(asked).toHaveLength(11)
  })

  test.each([500, 503, 429])('status %i counts as a failure', async status => {
    const { refresher, time, asked, answer } = made({ rate: 10, concurrency: 1 })
    refresher.refresh(urls(3))
    await answer(status)
    time.advance(150)
    expect(asked).toHaveLength(1)
    time.advance(50)
    expect(asked).toHaveLength(2)
  })

  test('nothing is asked for in the name of one client, in parts, or under a key that cannot be made again', async () => {
    const rules = rulesOf([{ match: '/keyed', keyHeaders: ['x-tenant'] }])
    const { refresher, asked } = made({ rate: 1000 }, rules)
    refresher.refresh([
      entryFor('http://h/cookie', [{ name: 'cookie', value: 'session=1' }]),
      entryFor('http://h/secret', [{ name: 'authorization', value: 'Bearer x' }]),
      { ...entryFor('http://h/part'), range: { first: 0, last: 1 } },
      { ...entryFor('http://h/post'), method: 'POST' },
      { ...entryFor('http://h/keyed'), key: entryFor('http://h/other').key },
      entryFor('http://h/plain?a=1', [
        { name: 'accept-language', value: 'de' },
        { name: 'cookie', value: null },
      ]),
    ])
    expect(asked).toEqual(['/plain?a=1'])
  })

  test('stops', async () => {
    const { refresher, time, asked } = made()
    refresher.refresh(urls(5))
    refresher.stop()
    time.advance(10_000)
    refresher.refresh(urls(5))
    expect(asked).toHaveLength(1)
  })

  test('the newest purge goes first, and no more wait than may', () => {
    const { refresher, time, asked } = made({ maxEntries: 3, concurrency: 100 })
    refresher.refresh(urls(3))
    refresher.refresh([entryFor('http://h/new'), entryFor('http://h/new2')])
    expect(refresher.waiting).toBe(3)
    for (let i = 0; i < 10; i++) time.advance(100)
    expect(asked).toEqual(['/0', '/new', '/new2', '/1'])
  })
})

describe('the hottest', () => {
  test('by hits, then by last access, no more than the limit', () => {
    const hottest = new Hottest(3)
    const uses = [
      [5, 1],
      [9, 1],
      [5, 2],
      [1, 9],
      [0, 99],
      [7, 1],
    ] as const
    for (const [hits, lastAccess] of uses)
      hottest.add({ entry: sampleEntry({ url: `${hits}/${lastAccess}` }), use: { hits, lastAccess } })
    hottest.add({ entry: sampleEntry({ url: 'unknown' }), use: undefined })
    expect(hottest.take().map(({ entry }) => entry.url)).toEqual(['9/1', '7/1', '5/2'])
  })
})

describe('the budget', () => {
  test('slows down for slow answers, and comes back', () => {
    const budget = new OriginBudget(10)
    for (let i = 0; i < 10; i++) budget.answered(20)
    expect(budget.gapMs).toBe(100)
    budget.answered(100)
    expect(budget.gapMs).toBeCloseTo(150)
    for (let i = 0; i < 10; i++) budget.answered(20)
    expect(budget.gapMs).toBe(100)
    for (let i = 0; i < 20; i++) budget.failed()
    expect(budget.gapMs).toBe(6400)
    expect(budget.isHopeless).toBe(true)
    budget.answered(20)
    expect(budget.isHopeless).toBe(false)
  })
})

import { afterEach, beforeEach, expect, test } from '@jest/globals'
import type { HoldPlan, Page } from './rig/origin.js'
import { startRig, type Rig } from './rig/rig.js'

/** What the oracle run has found, each once more and to the point. */

let rig: Rig
beforeEach(async () => {
  // What is stale at once is soon followed again.
  rig = await startRig({
    backend: 'memory',
    nodes: 1,
    env: {
      STRATA_LIMITS_HIT_FOR_MISS_MS: '1',
      // Bodies that outlive their entries for a while.
      STRATA_LIMITS_INLINE_BODY_BYTES: '0',
      // Else who sends another X-Variant joins no flight at all.
      STRATA_DEFAULTS_UNKEYED_FIELDS: 'forward',
    },
  })
})
afterEach(() => rig.stop())

const page = (more: Partial<Page>): Page => ({
  ...{ path: '/page', cacheControl: 'max-age=600', size: 500, tags: [] },
  ...{ varies: false, validates: false, chunked: false, ...more },
})

/** Holds the origin's answer to its n-th request (from 1). */
function holding(n: number, at: 'before-head' | 'mid-body') {
  let release = () => {}
  let arrived = () => {}
  const until = new Promise<void>(resolve => (release = resolve))
  const reached = new Promise<void>(resolve => (arrived = resolve))
  let count = 0
  const plan: HoldPlan = () => (++count === n ? (arrived(), { at, until }) : undefined)
  return { plan, reached, release: () => release() }
}

const ask = (variant = 'none', more: Record<string, string> = {}) =>
  rig.stations[0]!.node.client.ask('/page', { headers: { 'X-Variant': variant, ...more } })

async function followers(): Promise<number> {
  const { body } = await rig.stations[0]!.node.client.ask('/admin/cache/stats')
  return (JSON.parse(body.toString()) as { followers: number }).followers
}

async function followed(count: number): Promise<void> {
  while ((await followers()) < count) await new Promise(resolve => setTimeout(resolve, 5))
}

test('what a 304 has confirmed does not get into memory past a purge that came meanwhile', async () => {
  // Stale at once for the first answer, fresh by the 304.
  const held = holding(2, 'before-head')
  rig.origin.add(page({ cacheControl: 'max-age=1', validates: true }), held.plan)
  expect((await ask()).headers['x-version']).toBe('1')
  const revalidated = (async () => {
    for (;;) {
      const reply = await ask()
      if (!String(reply.headers['x-cache']).startsWith('HIT')) return reply
    }
  })()
  await held.reached
  rig.origin.bump('/page')
  const body = JSON.stringify({ urls: ['/page'] })
  const purge = await rig.stations[0]!.node.client.ask('/admin/cache/invalidate', { method: 'POST', body })
  expect(purge.status).toBe(200)
  held.release()
  expect(String((await revalidated).headers['x-cache'])).toMatch(/^REVALIDATED/)
  expect((await ask()).headers['x-version']).toBe('2')
})

test('who joins a background refresh and wants another variant goes its own way', async () => {
  const held = holding(2, 'before-head')
  rig.origin.add(page({ cacheControl: 'max-age=0, stale-while-revalidate=600', varies: true }), held.plan)
  expect((await ask('red')).headers['x-answered-variant']).toBe('red')
  expect(String((await ask('red')).headers['x-cache'])).toMatch(/^STALE/)
  await held.reached
  const blue = ask('blue')
  await followed(1)
  held.release()
  expect((await blue).headers['x-answered-variant']).toBe('blue')
})

test('who follows a revalidation and wants another variant goes its own way', async () => {
  const held = holding(2, 'before-head')
  rig.origin.add(page({ cacheControl: 'max-age=0', varies: true, validates: true }), held.plan)
  expect((await ask('red')).headers['x-answered-variant']).toBe('red')
  const red = ask('red')
  await held.reached
  const blue = ask('blue')
  await followed(1)
  held.release()
  expect((await red).headers['x-answered-variant']).toBe('red')
  expect((await blue).headers['x-answered-variant']).toBe('blue')
})

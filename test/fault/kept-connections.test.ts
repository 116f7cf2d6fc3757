import { afterEach, beforeEach, expect, test } from '@jest/globals'
import type { Page } from './rig/origin.js'
import { startRig, type Rig, type Station } from './rig/rig.js'

/**
 * A connection that is kept between requests goes dead without a word (a firewall that has forgotten it): nothing comes, nothing
 * closes it. Whoever has it must find out by itself, and others are not to wait for it meanwhile.
 */

let rig: Rig
let station: Station
beforeEach(async () => {
  rig = await startRig({
    ...{ backend: 's3-redis', nodes: 1 },
    // What is in memory would hide what the stores do.
    env: { STRATA_MEMORY_MAX_BYTES: '0' },
  })
  station = rig.stations[0]!
})
afterEach(() => rig.stop())

const shape = { cacheControl: 'max-age=600', tags: [], varies: false, validates: false, chunked: false }

async function ask({ path }: Page): Promise<string> {
  const expected = rig.oracle.requestSent(path, 'node1', 'none')
  const reply = await station.node.client.ask(path)
  rig.oracle.answered(expected, reply)
  return `${reply.status} ${String(reply.headers['x-cache']).split(' ')[0]}`
}

/** Until it is so; the test's own time limit ends a wait in vain. */
async function until(page: Page, answer: string): Promise<void> {
  while ((await ask(page)) !== answer) await new Promise(resolve => setTimeout(resolve, 50))
}

test.each(['redis', 's3'] as const)(
  'the kept connections to %s are dead: every request is answered from the origin meanwhile, and it heals by itself',
  async tier => {
    // Of a body in S3, and in one piece.
    const page: Page = { ...shape, path: '/page', size: 20_000 }
    rig.oracle.watch(page.path)
    rig.origin.add(page)
    await until(page, '200 HIT')
    const before = rig.origin.requests()
    station[tier]!.stallKept()
    const answers: string[] = []
    do answers.push(await ask(page))
    while (answers.at(-1) !== '200 HIT')
    // None failed, and those before it healed were the origin's.
    expect(answers.filter(answer => !answer.startsWith('200'))).toEqual([])
    if (tier === 'redis') expect(rig.origin.requests()).toBeGreaterThan(before)
    expect(rig.oracle.violations).toEqual([])
  },
  60_000,
)

import type { Random } from './random.js'
import type { Rig, Station } from './rig.js'
import { sleep } from './signals.js'
import type { Tally } from './tally.js'
import type { LinkFault } from './tcp-proxy.js'

/** What may break while a run goes on, by weight. */
const FAULTS = {
  latency: 4,
  stall: 4,
  cut: 3,
  reset: 3,
  refuse: 3,
  'slow-sweep': 3,
  'node-stopped': 2,
  'node-killed': 1,
  'redis-stopped': 1,
  'redis-emptied': 0.5,
} as const

/** Breaks something, and mends it, again and again until it is told to stop. One thing at a time, sometimes two. */
export async function chaos(
  rig: Rig,
  random: Random,
  tally: Tally,
  going: () => boolean,
  weights: Readonly<Partial<Record<keyof typeof FAULTS, number>>> = FAULTS,
): Promise<void> {
  while (going()) {
    await sleep(random.int(300, 3000))
    if (!going()) return
    const faults = Array.from({ length: random.chance(0.25) ? 2 : 1 }, () =>
      random.weighted(weights as typeof FAULTS),
    )
    await Promise.all(faults.map(fault => breakAndMend(rig, random, fault, tally)))
  }
}

async function breakAndMend(
  rig: Rig,
  random: Random,
  fault: keyof typeof FAULTS,
  tally: Tally,
): Promise<void> {
  tally.count(`fault ${fault}`)
  const station = random.pick(rig.stations)
  const forMs = random.int(100, 2500)
  rig.oracle.noteAll(`fault ${fault} at ${station.node.name}, for ${forMs} ms`)
  switch (fault) {
    case 'latency':
      return linkFault(station, random, { latencyMs: random.int(5, 250) }, forMs)
    case 'stall':
      return linkFault(station, random, { stall: random.pick(['up', 'down', 'both']) }, forMs)
    case 'cut':
      return linkFault(station, random, { cutAfter: random.int(0, 20_000) }, forMs)
    case 'reset':
      return link(station, random).reset()
    case 'refuse': {
      const one = link(station, random)
      one.set({ refuse: true })
      one.reset()
      await sleep(forMs)
      return one.set({})
    }
    case 'slow-sweep': {
      const orders = rig.stations.map(({ node }) =>
        node.order({ point: 'before-remove', action: 'delay', ms: 2500, times: 3 }),
      )
      await sleep(forMs)
      return orders.forEach(({ release }) => release())
    }
    case 'node-stopped': {
      station.node.signal('SIGSTOP')
      await sleep(forMs)
      return station.node.signal('SIGCONT')
    }
    case 'node-killed': {
      await station.node.kill()
      await sleep(random.int(0, 500))
      return station.node.start()
    }
    case 'redis-stopped': {
      rig.backend.redis!.pause()
      await sleep(forMs)
      return rig.backend.redis!.resume()
    }
    case 'redis-emptied':
      return rig.backend.redis!.restart()
  }
}

function link({ redis, s3 }: Station, random: Random) {
  return s3 !== undefined && random.chance(0.4) ? s3 : redis!
}

async function linkFault(station: Station, random: Random, fault: LinkFault, forMs: number): Promise<void> {
  const one = link(station, random)
  one.set(fault)
  await sleep(forMs)
  one.set({})
}

import type { Client, Reply } from './client.js'
import { etagOf, HOLDS, type HoldPlan, type Page } from './origin.js'
import type { Random } from './random.js'
import type { Rig, Station } from './rig.js'
import { Signals, sleep } from './signals.js'
import type { Tally } from './tally.js'

const VARIANTS = ['red', 'blue']
const EVENTS = ['bump', 'purge-sent', 'purge-answered', 'read']
const READ_MS = 20_000
const PURGE_MS = 10_000
const REFRESH_MS = 15_000
const SLOW_MS = 4000

/** What a run is about, beside what comes by chance. */
export interface Leaning {
  /** Probability that a purge finds a node cut off from Redis. */
  readonly cutOff: number
  /** Commits are held until a purge has been answered, again and again. */
  readonly holdsCommits: boolean
}

/**
 * One interleaving: some URLs of its own, readers and purgers on random nodes, an origin that holds its answers, and processes that
 * are held between two steps; all at once, and all drawn from one seed.
 */
export class Round {
  readonly #pages: readonly Page[]
  readonly #signals = new Signals()
  readonly #keys = new Map<string, string>()

  constructor(
    private readonly rig: Rig,
    private readonly random: Random,
    private readonly name: string,
    private readonly tally: Tally,
    private readonly leaning: Leaning,
  ) {
    this.#pages = ['a', 'b'].slice(0, random.int(1, 2)).map(part => this.#makePage(part))
  }

  async run(): Promise<void> {
    const { rig, random } = this
    for (const page of this.#pages) {
      rig.oracle.watch(page.path)
      rig.oracle.note(page.path, JSON.stringify(page))
      rig.origin.add(page, this.#holdPlan(random.fork()))
    }
    if (random.chance(0.75)) await this.#warmUp(random.fork())
    const releases = this.#failpoints(random.fork())
    const actors = [
      ...Array.from({ length: random.int(2, 5) }, () => this.#reader(random.fork())),
      ...Array.from({ length: random.int(1, 2) }, () => this.#purger(random.fork())),
    ]
    await Promise.all(actors)
    this.#signals.end()
    for (const release of releases) release()
    await this.#confirm(random.fork())
    for (const { path } of this.#pages) {
      rig.origin.remove(path)
      rig.oracle.forget(path)
    }
  }

  #makePage(part: string): Page {
    const { random } = this
    const freshness = random.weighted({ fresh: 5, swr: 2, revalidated: 2, brief: 1, private: 0.3 })
    const cacheControl = {
      fresh: 'max-age=600',
      swr: 'max-age=0, stale-while-revalidate=600',
      revalidated: 'max-age=0',
      brief: 'max-age=1, stale-if-error=600',
      private: 'no-store',
    }[freshness]
    return {
      path: `/${this.name}/${part}${random.chance(0.3) ? `?q=${random.int(1, 9)}` : ''}`,
      cacheControl,
      size: random.pick([60, 1500, 1500, 20_000]),
      tags: random.chance(0.8) ? [`tag-${this.name}`] : [],
      varies: random.chance(0.3),
      validates: freshness === 'revalidated' || random.chance(0.6),
      chunked: random.chance(0.3),
    }
  }

  #holdPlan(random: Random): HoldPlan {
    const inclined = random.pick([0, 0.3, 0.7])
    return () => {
      if (!random.chance(inclined)) return undefined
      return {
        at: random.pick(HOLDS),
        until: random.chance(0.3)
          ? this.#signals.wait('never', random.int(1, 80))
          : this.#signals.wait(random.pick(EVENTS), this.rig.leaseMs + 500),
      }
    }
  }

  /** Stops some nodes between two steps, about this round's URLs or about anybody's. */
  #failpoints(random: Random): (() => void)[] {
    const releases: (() => void)[] = []
    const { holdsCommits } = this.leaning
    const count = holdsCommits ? 2 : random.weighted({ 0: 5, 1: 3, 2: 2 })
    for (let i = 0; i < Number(count); i++) {
      const { node } = this.#station(random)
      const { path } = random.pick(this.#pages)
      const key = this.#keys.get(path)
      const drawn = random.weighted({ commit: 4, committed: 2, lookup: 2, slow: 2 })
      const kind = holdsCommits ? 'commit' : drawn
      if (kind === 'slow') {
        const point = random.pick(['before-reserve', 'mid-body', 'body-reply', 'marks-reply'] as const)
        node.order({ point, action: 'delay', ms: random.int(5, 300) })
        continue
      }
      if (kind === 'lookup' && key === undefined) continue
      const where = {
        commit: { point: 'before-commit', about: path } as const,
        committed: { point: random.pick(['commit-sent', 'after-commit'] as const), about: path },
        lookup: { point: 'lookup-reply', about: key } as const,
      }[kind]
      const { release } = node.order({ ...where, action: 'hold', times: random.int(1, 2) })
      releases.push(release)
      const event = holdsCommits ? 'purge-answered' : random.pick(EVENTS)
      void this.#signals.wait(event, this.rig.leaseMs + random.int(100, 1500)).then(release)
    }
    return releases
  }

  async #warmUp(random: Random): Promise<void> {
    const stations = this.rig.stations.filter(() => random.chance(0.7))
    for (const station of stations) {
      await Promise.all(this.#pages.map(({ path }) => this.#read(station, path, random)))
    }
  }

  async #reader(random: Random): Promise<void> {
    for (let left = random.int(1, 4); left > 0; left--) {
      const station = this.#station(random)
      const { path } = random.pick(this.#pages)
      if (random.chance(0.3)) await this.#signals.wait(random.pick(EVENTS), random.int(20, 400))
      else await sleep(random.int(0, 60))
      const together = random.chance(0.3) ? random.int(2, 4) : 1
      await Promise.all(Array.from({ length: together }, () => this.#read(station, path, random)))
    }
  }

  async #purger(random: Random): Promise<void> {
    for (let left = random.int(1, 2); left > 0; left--) {
      await sleep(random.int(0, 80))
      for (const { path } of this.#pages) {
        if (random.chance(0.2)) continue
        const version = this.rig.origin.bump(path)
        this.rig.oracle.note(path, `the content changes: version ${version}`)
      }
      this.#signals.emit('bump')
      if (random.chance(0.5)) await sleep(random.int(0, 40))
      const [cutOff, ...others] = random.shuffled(this.rig.stations)
      const cuts = others.length > 0 && random.chance(this.leaning.cutOff)
      if (cuts) {
        cutOff!.redis!.set({ stall: random.pick(['up', 'down', 'both']) })
        this.rig.oracle.noteAll(`${cutOff!.node.name} is cut off from Redis`)
      }
      await this.#purge(random, random.pick(cuts ? others : this.rig.stations))
      const { path } = random.pick(this.#pages)
      const askedAtOnce = cuts ? [cutOff!] : this.rig.stations.filter(() => random.chance(0.6))
      await Promise.all(askedAtOnce.map(station => this.#read(station, path, random)))
      if (!cuts) continue
      cutOff!.redis!.set({})
      this.rig.oracle.noteAll(`${cutOff!.node.name} is no longer cut off`)
    }
  }

  /** A purge of this round's URLs, one or all; whatever the answer, the oracle is told. */
  async #purge(random: Random, { node }: Station): Promise<void> {
    const { rig, tally } = this
    const { path } = random.pick(this.#pages)
    const all = this.#pages.map(page => page.path)
    const key = this.#keys.get(path)
    const kind = random.weighted({ key: 3, url: 3, tag: 3, pattern: 2, prefix: 2, all: 0.04 })
    const tagged = all.filter(one => rig.origin.page(one)!.tags.length > 0)
    const one = key === undefined ? { urls: [path] } : { keys: [key] }
    const [body, concerned] = {
      key: [one, [path]] as const,
      url: [{ urls: [random.chance(0.5) ? path : `${rig.origin.url}${path}`] }, [path]] as const,
      tag: [{ tags: [`tag-${this.name}`] }, tagged] as const,
      pattern: [{ patterns: [`/${this.name}/**`] }, all] as const,
      prefix: [{ prefix: `/${this.name}/` }, all] as const,
      all: [{ all: true, confirm: true }, rig.origin.paths()] as const,
    }[kind]
    const soft = kind !== 'all' && random.chance(0.2)
    const what = `${soft ? 'soft ' : ''}purge by ${kind} at ${node.name}`
    const sent = rig.oracle.purgeSent(concerned, what, soft)
    this.#signals.emit('purge-sent')
    const reply = await node.client.ask('/admin/cache/invalidate', {
      method: 'POST',
      body: JSON.stringify({ ...body, soft }),
      timeoutMs: PURGE_MS,
    })
    rig.oracle.purgeAnswered(
      sent,
      reply.error ?? `${reply.status} ${reply.body.toString().trim()}`,
      reply.status === 200,
    )
    tally.count(`purge ${kind}${soft ? ' soft' : ''}`)
    tally.count(`purge answered ${reply.status === 0 ? 'nothing' : reply.status}`)
    if (
      reply.status === 200 &&
      (JSON.parse(reply.body.toString()) as { effective?: boolean }).effective !== true
    )
      throw new Error(`a purge answered 200 and not effective: ${reply.body.toString()}`)
    if (reply.status === 400) throw new Error(`the rig sent a faulty purge: ${reply.body.toString()}`)
    this.#signals.emit('purge-answered')
  }

  async #read(station: Station, path: string, random: Random): Promise<number | undefined> {
    const variant = random.pick(VARIANTS)
    const page = this.rig.origin.page(path)!
    const headers: Record<string, string> = { 'X-Variant': variant }
    const special = random.next()
    if (special < 0.07) headers.Range = 'bytes=5-40'
    else if (special < 0.14 && page.validates) {
      headers['If-None-Match'] = etagOf(this.rig.origin.version(path), page.varies ? variant : 'one')
    }
    const reply = await this.#ask(station, path, variant, headers)
    return reply.version
  }

  async #ask(
    { node }: Station,
    path: string,
    variant: string,
    headers: Record<string, string>,
  ): Promise<{ version: number | undefined; reply: Reply }> {
    const { oracle } = this.rig
    const client: Client = node.client
    const expected = oracle.requestSent(path, node.name, variant)
    this.#signals.emit('read')
    const reply = await client.ask(path, { headers, timeoutMs: READ_MS })
    const version = oracle.answered(expected, reply)
    const key = /;\s*key="?([A-Za-z0-9_-]{43})/.exec(String(reply.headers['cache-status']))?.[1]
    if (key !== undefined) this.#keys.set(path, key)
    const cache = String(reply.headers['x-cache'] ?? 'nothing').split(' ')[0]!
    this.tally.count(reply.status === 0 ? `no answer: ${reply.error}` : `answer ${cache}`)
    if (reply.status !== 0 && ![200, 206, 304].includes(reply.status))
      this.tally.count(`status ${reply.status}`)
    this.tally.took(reply.ms)
    if (reply.ms > SLOW_MS || (reply.status === 0 && node.running)) {
      oracle.odd(path, `${node.name}: ${reply.error ?? reply.status} after ${reply.ms.toFixed(0)} ms`)
    }
    return { version, reply }
  }

  /** Asks every node once more; and what was purged softly until it is what it was to become. */
  async #confirm(random: Random): Promise<void> {
    const { rig } = this
    await Promise.all(
      this.#pages.map(async ({ path }) => {
        await Promise.all(rig.stations.map(station => this.#read(station, path, random)))
        const floor = rig.oracle.softFloor(path)
        if (floor === 0) return
        const until = performance.now() + REFRESH_MS
        for (;;) {
          const variant = random.pick(VARIANTS)
          const { version } = await this.#ask(this.#station(random), path, variant, { 'X-Variant': variant })
          if (version !== undefined && version >= floor) return
          if (performance.now() > until) return rig.oracle.refreshNeverCame(path, version)
          await sleep(25)
        }
      }),
    )
  }

  #station(random: Random): Station {
    return random.pick(this.rig.stations)
  }
}

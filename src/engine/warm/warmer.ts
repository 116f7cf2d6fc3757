import { randomBytes } from 'node:crypto'
import { messageOf, StrataError } from '../../errors.js'
import type { Clock } from '../clock.js'
import type { ClientRequest } from '../exchange.js'
import { FaultyRequest } from '../fence/mark-faults.js'
import type { JobView } from '../jobs/job.js'
import type { JobDesk, Jobs } from '../jobs/jobs.js'
import type { JobStore } from '../ports/job-store.js'
import type { WarmSettings } from '../settings.js'
import type { Pass } from '../sweep/pass.js'
import type { Timers } from '../timers.js'
import { estimate, type Estimate, type Experience } from './estimate.js'
import { Failures, type Failure } from './failures.js'
import { standing, warm, type FetchParts } from './fetch.js'
import { papersOf, type WarmOptions } from './options.js'
import { WarmRun } from './run.js'
import type { WarmItem, WarmSource } from './source.js'
import { newTally } from './tally.js'

/** What somebody wants to be warm. */
export interface WarmWish {
  /** In a few words. */
  readonly what: string
  /** As `sourceOf` reads it. */
  readonly paper: string
  readonly total: number
  readonly layer?: string
}

/** What may be said of how. Undefined: as the settings have it. */
export interface WarmHow {
  readonly site?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly refresh?: boolean | undefined
  readonly concurrency?: number | undefined
  readonly rate?: number | undefined
  readonly bytesPerSecond?: number | undefined
  readonly retries?: number | undefined
  readonly confirm?: boolean | undefined
  readonly dryRun?: boolean | undefined
}

export interface WarmerParts {
  readonly jobs: Jobs
  readonly store: JobStore
  readonly clock: Clock
  readonly timers: Timers
  readonly settings: WarmSettings
  /** A paper of `WarmWish` → what it says. @throws when this node cannot say */
  readonly sourceOf: (paper: string) => WarmSource
  /** What is known of such items. */
  readonly experience: (layer: string | undefined) => Promise<Experience>
  readonly giveUpMs?: number
}

/** How a node fetches: only one with an origin of its own can. */
export interface WarmThrough extends FetchParts {
  /** The request of a client of the site. @param url path and query, or absolute */
  readonly requestFor: (url: string, how: Pick<WarmOptions, 'site' | 'headers'>) => ClientRequest | undefined
}

const MOST_UNFINISHED = 32
const GIVE_UP_MS = 300_000

/** Fills the cache ahead of clients, in jobs. Knows no HTTP server. */
export class Warmer {
  #canFetch = false

  constructor(private readonly parts: WarmerParts) {}

  /** From now on this node does such jobs. */
  through(through: WarmThrough): void {
    this.#canFetch = true
    this.parts.jobs.register('warm', (pass, { warm: options }, desk) =>
      this.#work(through, pass, options!, desk),
    )
  }

  /**
   * Asks for a job, or with `dryRun` says what it would come to.
   * @throws FaultyRequest (STRATA_BAD_REQUEST) also for what is too much and not confirmed; StrataError STRATA_STORE_UNAVAILABLE
   */
  async start(wish: WarmWish, how: WarmHow): Promise<JobView | Estimate> {
    const { jobs, store, settings, clock } = this.parts
    const { concurrency, rate, bytesPerSecond, retries } = { ...settings, ...given(how) }
    if (how.dryRun === true)
      return estimate(
        wish,
        { concurrency, rate, bytesPerSecond },
        await this.parts.experience(wish.layer),
        settings,
      )
    if (!this.#canFetch)
      throw new StrataError(
        'STRATA_BAD_REQUEST',
        'there is no origin to fetch from here: warming is for strata serve',
      )
    if (wish.total > settings.maxTiles && how.confirm !== true) {
      const message = `has to be true for ${wish.total} at once: the limit is ${settings.maxTiles} (warm.maxTiles)`
      throw new FaultyRequest([{ path: 'confirm', message }])
    }
    const open = (await jobs.list()).filter(({ state }) => ['queued', 'running', 'paused'].includes(state))
    if (open.length >= MOST_UNFINISHED) {
      const message = `${open.length} jobs of warming are not done yet: cancel one, or wait`
      throw new StrataError('STRATA_BAD_REQUEST', message)
    }
    const options: WarmOptions = {
      paper: randomBytes(9).toString('base64url'),
      what: wish.what,
      site: how.site ?? settings.site ?? '',
      ...(how.headers === undefined ? {} : { headers: how.headers }),
      since: how.refresh === true ? clock.now() : 0,
      ...{ concurrency, rate, bytesPerSecond, retries },
    }
    await store.putPaper(options.paper, wish.paper)
    const { id } = jobs.request('warm', 'asked', { warm: options })
    return jobs.get(id)
  }

  /**
   * What a job could not warm, so far.
   * @throws StrataError STRATA_NOT_FOUND, STRATA_STORE_UNAVAILABLE
   */
  async failures(id: string): Promise<{ failed: number; failures: Failure[] }> {
    const { options, warm } = await this.parts.jobs.get(id)
    if (options.warm === undefined) return { failed: 0, failures: [] }
    const text = await this.parts.store.paper(papersOf(options.warm)[1])
    return { failed: warm?.failed ?? 0, failures: new Failures(text).list() }
  }

  async #work(through: WarmThrough, pass: Pass, options: WarmOptions, desk: JobDesk): Promise<void> {
    try {
      pass.state = await this.#run(through, pass, options, desk)
    } catch (error) {
      pass.state = 'failed'
      pass.error = messageOf(error)
    }
    pass.endedAt = this.parts.clock.now()
  }

  async #run(
    through: WarmThrough,
    pass: Pass,
    options: WarmOptions,
    desk: JobDesk,
  ): Promise<'done' | 'incomplete' | 'cancelled'> {
    const { store, clock, timers, settings, giveUpMs = GIVE_UP_MS } = this.parts
    const [work, failed] = papersOf(options)
    const paper = await store.paper(work)
    if (paper === '') throw new Error('what is to be warmed is not in the store any more: ask for it anew')
    const source = this.parts.sourceOf(paper)
    const failures = new Failures(await store.paper(failed))
    const tally = (pass.warm = { ...(pass.warm ?? newTally(source.total)) })
    const save = async () => {
      // First: what is counted as failed can be looked up.
      if (failures.isChanged) {
        failures.isChanged = false
        await store.putPaper(failed, failures.text()).catch((error: unknown) => {
          failures.isChanged = true
          throw error
        })
      }
      await desk.save()
    }
    const requests = new WeakMap<WarmItem, ClientRequest>()
    const requestOf = (item: WarmItem) => {
      const request = requests.get(item) ?? through.requestFor(item.url!, options)
      if (request === undefined) throw new Error('is no URL of this site')
      requests.set(item, request)
      return request
    }
    const { since } = options
    const run = new WarmRun(
      {
        ...{ clock, timers, save },
        standing: async item => standing(through, requestOf(item), { since, mayBeAbsent: item.mayBeAbsent }),
        warm: async (item, found, watched) =>
          warm(through, requestOf(item), { since, mayBeAbsent: item.mayBeAbsent, found }, watched),
      },
      source,
      { ...options, batch: settings.batch, giveUpMs },
      tally,
      failures,
    )
    pass.whenCancelled(() => run.stop())
    try {
      await run.run()
    } finally {
      if (failures.isChanged) await store.putPaper(failed, failures.text())
    }
    if (pass.cancelled) return 'cancelled'
    return tally.failed > 0 || tally.done < tally.total ? 'incomplete' : 'done'
  }
}

function given(how: WarmHow): Partial<WarmSettings> {
  return Object.fromEntries(Object.entries(how).filter(([, value]) => value !== undefined))
}

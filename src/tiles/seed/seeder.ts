import type { JobView } from '../../engine/jobs/job.js'
import type { Estimate } from '../../engine/warm/estimate.js'
import { readUrls, urlSource } from '../../engine/warm/urls.js'
import type { Warmer, WarmHow } from '../../engine/warm/warmer.js'
import type { WarmSource } from '../../engine/warm/source.js'
import type { Layers } from '../layer/layers.js'
import type { TileOperator } from '../tile-operator.js'
import { planSeed, type SeedPlan } from './seed-request.js'
import { seedSource } from './seed-source.js'

/** What a job's paper says. */
type Paper = { readonly seed: SeedPlan } | { readonly urls: readonly string[] }

/** What an operator can have warmed: tiles of a layer, or URLs. Knows no HTTP. */
export class Seeder {
  constructor(
    private readonly tiles: Pick<TileOperator, 'layer'>,
    private readonly warmer: Pick<Warmer, 'start' | 'failures'>,
    /** Under what clients ask, if the settings say so. */
    readonly site: string | undefined,
  ) {}

  /** @throws FaultyRequest; StrataError STRATA_NOT_FOUND, STRATA_BAD_REQUEST, STRATA_STORE_UNAVAILABLE */
  async seed(
    name: string,
    request: Parameters<typeof planSeed>[0],
    how: WarmHow,
  ): Promise<JobView | Estimate> {
    const plan = await planSeed(request, this.tiles.layer(name))
    const [first, last] = plan.zooms
    const what = `${name}, zooms ${first} to ${last}`
    const paper: Paper = { seed: plan }
    return this.warmer.start({ what, paper: JSON.stringify(paper), total: plan.total, layer: name }, how)
  }

  /** @throws as `seed` */
  async urls(value: unknown, how: WarmHow): Promise<JobView | Estimate> {
    const urls = readUrls(value)
    const paper: Paper = { urls }
    return this.warmer.start(
      { what: `${urls.length} URLs`, paper: JSON.stringify(paper), total: urls.length },
      how,
    )
  }

  /** @throws StrataError STRATA_NOT_FOUND, STRATA_STORE_UNAVAILABLE */
  failures(id: string): ReturnType<Warmer['failures']> {
    return this.warmer.failures(id)
  }
}

/** What a paper says is to be warmed. @throws Error for one that this node cannot read */
export function sourceOfPaper(text: string, layers: Layers): WarmSource {
  const paper = JSON.parse(text) as Partial<{ seed: SeedPlan; urls: readonly string[] }>
  if (paper.seed !== undefined) return seedSource(paper.seed, layers)
  if (Array.isArray(paper.urls)) return urlSource(paper.urls)
  throw new Error('what is to be warmed was written by another version')
}

import { candidateOf } from '../engine/candidates.js'
import { effectiveUrl } from '../engine/identity.js'
import type { Jobs } from '../engine/jobs/jobs.js'
import { Operator, type OperatorParts } from '../engine/operator.js'
import type { Parts } from '../engine/parts.js'
import type { Entry } from '../engine/ports/index.js'
import { Rules } from '../engine/rules.js'
import type { Sweeper } from '../engine/sweep/sweeper.js'
import { systemTimers } from '../engine/timers.js'
import type { Health } from '../server/admin/index.js'

/** Until when an entry is fresh by its fields and its rule, ms since the epoch. */
export function freshUntilBy(rules: Rules): (entry: Entry) => number {
  return entry => {
    const { policy, initialAge } = candidateOf(entry, rules.match(new URL(entry.url).pathname), false)
    return entry.responseTime + policy.lifetime * 1000 - initialAge
  }
}

export function buildOperator(
  parts: Parts,
  background: { readonly sweeper: Sweeper; readonly jobs: Jobs },
  about: Pick<
    OperatorParts,
    'backend' | 'namespace' | 'portless' | 'refresher' | 'settle' | 'bodyRequests' | 'jobBook' | 'siblings'
  >,
): Operator {
  const rules = new Rules(parts.settings, parts.tiles)
  return new Operator({
    ...parts,
    ...background,
    timers: systemTimers,
    limits: parts.settings.limits,
    ...about,
    memory: () => parts.memory.usage(),
    freshUntil: freshUntilBy(rules),
    effectiveUrls: url => [effectiveUrl(url, rules)],
  })
}

export function healthOf(operator: Operator): Health {
  return {
    live: () => ({ ok: true, checks: {} }),
    ready: async () => {
      const { tiers } = await operator.status()
      const checks = { metadata: tiers.metadata, bodies: tiers.bodies }
      return { ok: checks.metadata.ok && checks.bodies.ok, checks }
    },
  }
}

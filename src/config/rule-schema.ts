import { z } from 'zod'
import type { RuleDefaults, RuleSettings } from '../engine/settings.js'
import { captureCount, captureFault, highestPlace } from '../engine/rule-tags.js'
import { bytes, count, fieldName, glob, globs, seconds, statusOrClass } from './kinds.js'
import { layerSchema } from './layer-schema.js'

/** Rules: operator's settings for path globs, and the `defaults` beneath them. Its shape is the engine's `RuleSettings`. */

const querySettings = z.strictObject({
  ignore: z
    .array(glob('utm_*'))
    .optional()
    .describe('Query parameters (globs over the name) that are dropped before keying and forwarding'),
  allow: z
    .array(glob('page'))
    .optional()
    .describe('When given, only these query parameters (globs over the name) stay'),
  sort: z
    .boolean()
    .optional()
    .describe('Sort query parameters by name, so that their order makes no second entry'),
})

const shared = {
  ttl: seconds().optional().describe('Freshness when the origin gives none (seconds)'),
  overrideTtl: seconds()
    .optional()
    .describe(
      'Freshness in place of what the origin gives (seconds); never makes storable what is private or no-store',
    ),
  statusTtl: z
    .record(statusOrClass(), seconds())
    .optional()
    .describe('Freshness per status code or class when the origin gives none, e.g. {"404": 60, "5xx": 0}'),
  staleWhileRevalidate: seconds()
    .optional()
    .describe(
      'RFC 5861: how long a stale entry is answered while it is refreshed, when the response says nothing (seconds)',
    ),
  staleIfError: seconds()
    .optional()
    .describe(
      'RFC 5861: how long a stale entry is answered when the origin fails, when the response says nothing (seconds)',
    ),
  keyHeaders: z
    .array(fieldName())
    .max(32)
    .optional()
    .describe('Request fields whose values are part of the key'),
  keyCookies: z
    .array(fieldName())
    .max(32)
    .optional()
    .describe('Cookies whose values are part of the key; only these are forwarded then'),
  cookies: z
    .enum(['bypass', 'strip', 'forward'])
    .optional()
    .describe(
      'A request with Cookie: bypass = to the origin, not stored; strip = drop Cookie; forward = RFC 9111 (Vary alone decides)',
    ),
  setCookie: z
    .enum(['refuse', 'strip', 'store'])
    .optional()
    .describe(
      'A response with Set-Cookie: refuse = not stored; strip = stored and answered without it; store = RFC 9111',
    ),
  unkeyedFields: z
    .enum(['vary', 'drop', 'forward'])
    .optional()
    .describe(
      'Request fields outside the key that may hold anything: vary = the answer is for requests with the same values alone; drop = the origin does not get them; forward = RFC 9111 (Vary alone decides)',
    ),
  bypass: z.boolean().optional().describe('Straight to the origin, nothing stored'),
  tags: z
    .array(z.string().min(1).max(256))
    .max(128)
    .optional()
    .describe(
      'Tags for every entry; in a rule {n} stands for what the n-th wildcard of match took, e.g. collection:{1}',
    ),
  maxTags: count({ max: 4096 })
    .optional()
    .describe('Most tags of an entry, at most limits.maxTags; what has more is not stored'),
  maxBodyBytes: bytes().optional().describe('Larger bodies pass through and are not stored'),
  contentTypes: z
    .array(glob('image/*'))
    .optional()
    .describe('Media types (globs) that may be stored; others pass through'),
  coalesce: z.boolean().optional().describe('One origin request at a time for a key'),
  coalesceAcrossNodes: z
    .boolean()
    .optional()
    .describe('… among all nodes on one Redis, too (the others wait for what one of them stores)'),
  requestDirectives: z
    .enum(['honour', 'only-if-cached', 'ignore'])
    .optional()
    .describe(
      'Request Cache-Control and Pragma: honour = all; only-if-cached = that one alone, for the others let any client bypass the cache cheaply; ignore = none',
    ),
  noVarySearch: z
    .boolean()
    .optional()
    .describe(
      'Believe the No-Vary-Search of responses: URLs that differ only in what it says not to matter share an entry',
    ),
  query: querySettings.optional().describe('How the query takes part in the key and in what the origin gets'),
}

export const ruleSchema = z
  .strictObject({
    match: globs('/tiles/**').describe('Globs over the path; at least one must match'),
    layer: layerSchema
      .optional()
      .describe('Makes the URLs tiles of a map layer: {name, template, …}, see Map tiles in the README'),
    ...shared,
  })
  .superRefine(({ match, tags = [] }, ctx) => {
    const globs = typeof match === 'string' ? [match] : match
    const fewest = Math.min(...globs.map(captureCount))
    for (const [i, tag] of tags.entries()) {
      if (highestPlace(tag) <= fewest) continue
      const message = `names {${highestPlace(tag)}}, but match has only ${fewest} wildcards (each glob of it counts)`
      ctx.addIssue({ code: 'custom', path: ['tags', i], message })
    }
    if (!tags.some(tag => highestPlace(tag) > 0)) return
    for (const [i, one] of globs.entries()) {
      const message = captureFault(one)
      const path = typeof match === 'string' ? ['match'] : ['match', i]
      if (message !== undefined) ctx.addIssue({ code: 'custom', path, message })
    }
  })

/** What every rule, and a request that no rule matches, starts from. */
export const defaultsSchema = z.strictObject({
  ...shared,
  tags: shared.tags.refine(
    tags => !tags?.some(tag => highestPlace(tag) > 0),
    'can name parts of a path, such as {1}, only in a rule',
  ),
  cookies: shared.cookies.unwrap().default('bypass').describe(shared.cookies.description!),
  setCookie: shared.setCookie.unwrap().default('refuse').describe(shared.setCookie.description!),
  unkeyedFields: shared.unkeyedFields.unwrap().default('vary').describe(shared.unkeyedFields.description!),
  coalesce: shared.coalesce.unwrap().default(true).describe(shared.coalesce.description!),
  coalesceAcrossNodes: shared.coalesceAcrossNodes
    .unwrap()
    .default(true)
    .describe(shared.coalesceAcrossNodes.description!),
  requestDirectives: shared.requestDirectives
    .unwrap()
    .default('only-if-cached')
    .describe(shared.requestDirectives.description!),
  noVarySearch: shared.noVarySearch.unwrap().default(false).describe(shared.noVarySearch.description!),
})

/** The schema says exactly what the engine takes: a setting that one of them lacks does not compile. */
type Same<A, B> = [keyof A] extends [keyof B] ? ([keyof B] extends [keyof A] ? true : never) : never
const sameRule: Same<z.output<typeof ruleSchema>, RuleSettings> = true
const sameDefaults: Same<z.output<typeof defaultsSchema>, RuleDefaults> = true
void [sameRule, sameDefaults]

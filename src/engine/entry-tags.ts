import { readTags } from '../http/tags.js'
import type { ResponseHead } from './origin.js'
import { MAX_RULE_TAG } from './rule-tags.js'
import type { Rule } from './rules.js'
import type { EngineSettings } from './settings.js'

const NONE: readonly string[] = []

/**
 * All tags of a response: those of its fields, those that the code behind the middleware gave it, those of its rule.
 * Undefined when there are more than the limits allow, or one of the rule's is too long: a purge by what was left out would miss the
 * entry, so it is not stored.
 */
export function entryTags(
  head: Pick<ResponseHead, 'fields' | 'tags'>,
  path: string,
  rule: Pick<Rule, 'tags' | 'maxTags'>,
  { http }: Pick<EngineSettings, 'http'>,
): readonly string[] | undefined {
  const { tags, complete } = readTags(head.fields, http.tagFields, rule.maxTags)
  if (!complete) return undefined
  const given = rule.tags(path)
  if (given === undefined) return undefined
  if (given.some(tag => Buffer.byteLength(tag) > MAX_RULE_TAG)) return undefined
  if (tags.length === 0 && head.tags === undefined && given.length === 0) return NONE
  const all = new Set([...tags, ...(head.tags ?? []), ...given])
  return all.size > rule.maxTags ? undefined : all.size === 0 ? NONE : [...all]
}

import type { ServerResponse } from 'node:http'

const TAGS: unique symbol = Symbol('strata.tags')

type Tagged = ServerResponse & {
  [TAGS]?: Set<string>
  readonly locals?: { readonly strataTags?: unknown }
}

/**
 * Gives tags to the response, to be called before its header is sent; they add up. A response that is not stored has no use for them.
 * @throws TypeError for what is no tag: an empty text, control characters, or no text at all.
 */
export function tagResponse(res: ServerResponse, tags: readonly string[]): void {
  for (const tag of tags) if (!isTag(tag)) throw notATag(tag)
  const tagged = res as Tagged
  tagged[TAGS] = new Set([...(tagged[TAGS] ?? []), ...tags])
}

/**
 * The tags of `tagResponse` and of Express' `res.locals.strataTags` (a text, or a list of them).
 * @throws TypeError as above
 */
export function tagsOfResponse(res: ServerResponse): readonly string[] {
  const { [TAGS]: given, locals } = res as Tagged
  const local = locals?.strataTags
  if (local === undefined || local === null) return given === undefined ? NONE : [...given]
  const tags: unknown[] = Array.isArray(local) ? local : [local]
  for (const tag of tags) if (!isTag(tag)) throw notATag(tag)
  return [...new Set([...(given ?? []), ...(tags as string[])])]
}

const NONE: readonly string[] = []

function isTag(tag: unknown): tag is string {
  // eslint-disable-next-line no-control-regex -- these are what is looked for: no purge could name such a tag
  return typeof tag === 'string' && tag !== '' && tag.length <= 1024 && !/[\x00-\x1f\x7f]/.test(tag)
}

function notATag(tag: unknown): TypeError {
  return new TypeError(
    `a tag must be a text of 1 to 1024 characters without control characters, not ${JSON.stringify(tag)?.slice(0, 80)}`,
  )
}

import { messageOf } from '../errors.js'
import { fieldValue } from '../http/fields.js'
import { parseGroups } from '../http/cache-groups.js'
import type { ClientRequest } from './exchange.js'
import type { Identity } from './identity.js'
import { newMark } from './fence/mark.js'
import type { ResponseHead } from './origin.js'
import type { Parts } from './parts.js'
import type { FenceState } from './ports/index.js'

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'REPORT', 'SEARCH', 'QUERY'])

/** A mark holds 4 KiB: of a longer URL its beginning is invalidated, and more than need be. */
const LONGEST_URL = 1800

/** RFC 9110 §9.2.1; a method that is not known counts as unsafe (RFC 9111 §4.4). */
export function isUnsafe(method: string): boolean {
  return !SAFE.has(method)
}

/**
 * RFC 9111 §4.4: a non-error response to an unsafe request invalidates its URL, and what Location and Content-Location name of the
 * same origin; RFC 9875 §3: and the groups that Cache-Group-Invalidation names. It holds before the client has its answer.
 * Returns the fence after it; undefined when nothing was invalidated.
 */
export async function invalidateAfter(
  parts: Parts,
  trip: {
    readonly x: { readonly request: ClientRequest }
    readonly identity: Identity
    readonly mayHold: (url: string) => Promise<boolean>
  },
  head: ResponseHead,
): Promise<FenceState | undefined> {
  const { request } = trip.x
  if (!isUnsafe(request.method) || head.status < 200 || head.status >= 400) return undefined
  const at = parts.clock.now()
  const urls = new Set([trip.identity.url])
  for (const name of ['location', 'content-location']) {
    const named = sameOrigin(fieldValue(head.fields, name), request, trip.identity.url)
    if (named !== undefined) urls.add(named)
  }
  const groups = parseGroups(head.fields, 'cache-group-invalidation')
  const known = await Promise.all([...urls].map(async url => ({ url, held: await trip.mayHold(url) })))
  const marks = [
    ...known
      .filter(({ held }) => held)
      .map(({ url }) => url)
      .map(url =>
        newMark(url.length > LONGEST_URL ? { prefix: url.slice(0, LONGEST_URL) } : { url }, { at }),
      ),
    ...groups.map(tag => newMark({ tag, host: request.authority }, { at })),
  ]
  if (marks.length === 0) return undefined
  try {
    return await parts.fence.invalidate(marks)
  } catch (error) {
    parts.events.warn('invalidate-failed', { url: trip.identity.url, error: messageOf(error) })
    parts.owed.add(marks, at)
    return undefined
  }
}

/** The URL that a field names, as entries hold it; undefined when it is of another origin than what the client asked. */
function sameOrigin(location: string | undefined, { port }: ClientRequest, url: string): string | undefined {
  const asked = new URL(url)
  if (port !== undefined) asked.port = port
  if (location === undefined || !URL.canParse(location, asked.href)) return undefined
  const named = new URL(location, asked.href)
  if (named.origin !== asked.origin) return undefined
  return `${new URL(url).origin}${named.pathname}${named.search}`
}

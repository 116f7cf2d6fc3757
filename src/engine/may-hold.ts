import type { ClientRequest } from './exchange.js'
import { identify } from './identity.js'
import type { MetadataStore } from './ports/index.js'
import type { Rules } from './rules.js'
import type { RunningFlights } from './running-flights.js'

/**
 * Whether anything is stored, or just being fetched here, for a URL. A mark for each POST to what is never cached would fill the log.
 * @param request the one that may have changed what is there: of the same client, as far as keys go
 */
export async function mayHold(
  { rules, running, metadata }: { rules: Rules; running: RunningFlights; metadata: MetadataStore },
  url: string,
  request: ClientRequest,
): Promise<boolean> {
  const { pathname, search, protocol, host } = new URL(url)
  const rule = rules.match(pathname)
  if (rule.keyHeaders.length > 0 || rule.keyCookies.length > 0) return true
  // What answers for it may be stored under a key that only its No-Vary-Search tells.
  if (rule.noVarySearch && search !== '') return true
  const scheme = protocol === 'https:' ? 'https' : 'http'
  const query = search === '' ? undefined : search.slice(1)
  const own = identify({ ...request, path: pathname, query, scheme, authority: host }, rule)
  if (running.ofKey(own.text).length > 0) return true
  try {
    return (await metadata.lookup(own.key)).entries.length > 0
  } catch {
    // Not known: then the mark is what can be tried.
    return true
  }
}

import { FaultyRequest, type Fault } from '../fence/mark-faults.js'
import type { WarmSource } from './source.js'

/** URLs of one job. */
export const MOST_URLS = 1_000_000
const MOST_FAULTS = 20

/**
 * Lines, or a list → URLs, each once, in their order: `/path?query`, or with scheme and authority. What they say to be the host is
 * what clients call it; whoever it is, the configured origin is asked.
 * @throws FaultyRequest
 */
export function readUrls(value: unknown): string[] {
  const given = typeof value === 'string' ? value.split('\n') : value
  if (!Array.isArray(given)) throw fault('urls', 'must be a list of URLs, or lines')
  const urls = new Set<string>()
  const faults: Fault[] = []
  for (const [i, line] of (given as unknown[]).entries()) {
    const text = typeof line === 'string' ? line.trim() : ''
    if (typeof line === 'string' && (text === '' || text.startsWith('# '))) continue
    const message = faultOfUrl(text)
    if (message === undefined) urls.add(text)
    else if (faults.push({ path: `urls[${i}]`, message }) === MOST_FAULTS) break
  }
  if (faults.length > 0) throw new FaultyRequest(faults)
  if (urls.size === 0) throw fault('urls', 'has no URL in it')
  if (urls.size > MOST_URLS)
    throw fault('urls', `has ${urls.size} URLs: at most ${MOST_URLS} are taken at once, split the list`)
  return [...urls]
}

export function urlSource(urls: readonly string[]): WarmSource {
  const itemOf = (url: string) => ({ name: url, url, mayBeAbsent: false })
  return {
    total: urls.length,
    from: function* (done) {
      for (let i = done; i < urls.length; i++) yield itemOf(urls[i]!)
    },
    named: itemOf,
  }
}

function faultOfUrl(text: string): string | undefined {
  if (!/^(\/|https?:\/\/)[\x21-\x7e]*$/.test(text))
    return 'must be a path such as /tiles/0/0/0.png, or a URL, with what is not ASCII escaped'
  if (text.includes('#')) return 'has a #: encode it as %23'
  if (text.length > 8192) return 'is longer than 8192 characters'
  if (!text.startsWith('/') && !URL.canParse(text)) return 'is no URL'
  return undefined
}

function fault(path: string, message: string): FaultyRequest {
  return new FaultyRequest([{ path, message }])
}

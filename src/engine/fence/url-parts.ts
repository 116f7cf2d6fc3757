/** Where the parts of an entry's URL (`scheme://authority/path?query`, nothing decoded) begin and end. */
export interface UrlParts {
  /** Lower case, with the port if the URL names one. */
  readonly authority: string
  readonly path: string
  /** Path and query. */
  readonly target: string
  /** The URL without its query. */
  readonly bare: string
}

export function urlParts(url: string): UrlParts {
  const scheme = url.indexOf('://')
  const from = scheme === -1 ? 0 : scheme + 3
  const slash = url.indexOf('/', from)
  const start = slash === -1 ? url.length : slash
  const query = url.indexOf('?', start)
  const end = query === -1 ? url.length : query
  return {
    authority: url.slice(from, start),
    path: url.slice(start, end),
    target: url.slice(start),
    bare: url.slice(0, end),
  }
}

const DEFAULT_PORT: Readonly<Record<string, string>> = { http: ':80', https: ':443' }

/**
 * A URL, or the beginning of one, as entries hold it: scheme and authority in lower case, no default port, no fragment; the path
 * stays as it is. What begins with `/` is a path.
 */
export function canonicalUrl(text: string): string {
  const url = text.replace(/#.*$/s, '')
  const parts = /^([a-z][a-z0-9+.-]*):\/\/([^/?]*)(.*)$/is.exec(url)
  if (parts === null) return url
  const scheme = parts[1]!.toLowerCase()
  const rest = parts[3]!
  let authority = parts[2]!.toLowerCase()
  const port = DEFAULT_PORT[scheme]
  // Without a path it may be the beginning of a longer port: `http://a:80` is a prefix of `http://a:8080/`.
  if (port !== undefined && rest !== '' && authority.endsWith(port))
    authority = authority.slice(0, -port.length)
  return `${scheme}://${authority}${rest}`
}

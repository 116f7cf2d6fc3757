/** What names URLs in requests of an operator. */
interface Names {
  readonly urls?: readonly string[]
  readonly patterns?: readonly string[]
  readonly url?: string
  readonly pattern?: string
  readonly prefix?: string
  readonly host?: string
}

/** Scheme and host of a URL, a prefix or a glob, and the port that follows. */
const PORT = /^(!*[a-z][a-z0-9+.-]*:\/\/(?:\[[^\]]*\]|[^/?:[\]]*)):[\d*]+(?=[/?]|$)/i

/** The URL (or the beginning of one, or a glob over URLs) without its port. */
export function withoutPort(text: string): string {
  return text.replace(PORT, '$1')
}

/** What an operator names, as entries hold it where their URLs have no port. */
export function withoutPorts<T extends Names>(request: T): T {
  const { urls, patterns, url, pattern, prefix, host } = request
  return {
    ...request,
    ...(urls !== undefined && { urls: urls.map(withoutPort) }),
    ...(patterns !== undefined && { patterns: patterns.map(withoutPort) }),
    ...(url !== undefined && { url: withoutPort(url) }),
    ...(pattern !== undefined && { pattern: withoutPort(pattern) }),
    ...(prefix !== undefined && { prefix: withoutPort(prefix) }),
    ...(host !== undefined && { host: host.replace(/:\d+$/, '') }),
  }
}

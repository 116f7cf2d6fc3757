import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

/** URLs that are counted at once; of those asked for but once, the earliest are forgotten first. */
const MOST_COUNTED = 1_000_000

/** Common and combined log format: the request line in quotes, then the status. */
const COMMON = /"GET (\S+) HTTP\/[\d.]+" (\d{3}) /

/**
 * The most requested URLs of an access log, the most requested first: our own (JSON lines), or common or combined log format. Only what GET
 * was answered well counts.
 * @throws the error of a file that can't be read
 */
export async function requestedUrls(file: string, top: number): Promise<string[]> {
  const counts = new Map<string, number>()
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    const url = urlOf(line)
    if (url === undefined) continue
    counts.set(url, (counts.get(url) ?? 0) + 1)
    if (counts.size > MOST_COUNTED) forgetSome(counts)
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, top)
    .map(([url]) => url)
}

/** What one line says was asked for, if it was answered well. */
export function urlOf(line: string): string | undefined {
  if (line.startsWith('{')) return urlOfJson(line)
  const [, url, status] = COMMON.exec(line) ?? []
  return url !== undefined && isWell(Number(status)) ? known(url) : undefined
}

function urlOfJson(line: string): string | undefined {
  let row: { req?: { method?: unknown; url?: unknown }; res?: { statusCode?: unknown } }
  try {
    row = JSON.parse(line) as typeof row
  } catch {
    // A line that was cut off, or of something else.
    return undefined
  }
  const { method, url } = row.req ?? {}
  if (method !== 'GET' || typeof url !== 'string' || !isWell(Number(row.res?.statusCode))) return undefined
  return known(url)
}

/** What `POST /warm` takes. */
function known(url: string): string | undefined {
  return /^(\/|https?:\/\/)[\x21-\x7e]*$/.test(url) && !url.includes('#') && url.length <= 8192
    ? url
    : undefined
}

function isWell(status: number): boolean {
  return (status >= 200 && status < 300) || status === 304
}

function forgetSome(counts: Map<string, number>): void {
  for (const [url, count] of counts) {
    if (counts.size <= MOST_COUNTED * 0.9) return
    if (count === 1) counts.delete(url)
  }
  // All are asked for more than once: the earliest go.
  for (const url of counts.keys()) {
    if (counts.size <= MOST_COUNTED * 0.9) return
    counts.delete(url)
  }
}

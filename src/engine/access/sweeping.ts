import { randomBytes } from 'node:crypto'
import { StrataError } from '../../errors.js'
import { MAX_GLOB } from '../glob/glob.js'
import { compileUrlGlob } from '../fence/url-glob.js'
import type { InvalidateRequest } from '../operator/invalidate-plan.js'
import { Turns } from '../turns.js'

/** URLs that nobody thinks of: so many of each depth, of which a request may hit fewer than a quarter and still be one about something. */
const SAMPLES = 24
const DEPTHS = [1, 2, 3, 4, 6, 10]
const MOST = SAMPLES / 4
const GLOBS_PER_TURN = 8

/**
 * Whether an invalidation may hit everything, or everything of a host, by what it says: `all`; what names no key, URL, tag nor path;
 * and globs that hit URLs at random. It wants the scope `purge-all`: else `**` would be the way round it. (A tag that is on every
 * entry is the operator's own doing, and can't be known here.)
 */
export async function isSweeping(request: InvalidateRequest): Promise<boolean> {
  const { all, keys, urls, patterns, tags, key, url, pattern, tag, prefix } = request
  if (all !== undefined) return true
  if (key !== undefined || url !== undefined || tag !== undefined || namesPath(prefix)) return false
  if (pattern !== undefined && !(await hitsAtRandom([pattern]))) return false
  // Each item of a list is hit by itself.
  if (patterns !== undefined && patterns.length > 0) return hitsAtRandom(patterns)
  return ![keys, urls, tags].some(list => list !== undefined && list.length > 0)
}

/** A prefix that goes beyond the host's root. */
function namesPath(prefix: string | undefined): boolean {
  if (prefix === undefined) return false
  return /[^/]/.test(prefix.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, ''))
}

/** At random, because globs could be made to miss samples that are known: `/[^s]**`. */
async function hitsAtRandom(globs: readonly string[]): Promise<boolean> {
  const samples = DEPTHS.map(depth =>
    Array.from({ length: SAMPLES }, () => `http://host/${randomPath(depth)}`),
  )
  const hit = new Set<string>()
  // There may be a thousand of them.
  const turns = new Turns(GLOBS_PER_TURN)
  for (const glob of globs) {
    const test = testOf(glob)
    for (const url of samples.flat()) if (!hit.has(url) && test(url)) hit.add(url)
    if (samples.some(urls => urls.filter(url => hit.has(url)).length >= MOST)) return true
    await turns.next()
  }
  return false
}

function testOf(glob: string): (url: string) => boolean {
  // It is refused elsewhere.
  if (glob.length > MAX_GLOB) return () => false
  const compiled = compiledOr(glob, false)
  // Everything of the hosts that it names is everything, too.
  const path = glob.replace(/^!*[^]*?:\/\/[^/]*/, bangs => /^!*/.exec(bangs)![0])
  if (path === glob) return compiled
  return /^!*$/.test(path) ? () => true : compiledOr(path, true)
}

/** What is no glob is refused elsewhere; what is none any more without its host is taken for a broad one. */
function compiledOr(glob: string, otherwise: boolean): (url: string) => boolean {
  try {
    return compileUrlGlob(glob)
  } catch (error) {
    if (error instanceof StrataError) return () => otherwise
    throw error
  }
}

function randomPath(depth: number): string {
  return Array.from({ length: depth }, () => {
    const bytes = randomBytes(12)
    return [...bytes].map(byte => (byte % 36).toString(36)).join('')
  }).join('/')
}

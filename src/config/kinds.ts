import { isIP } from 'node:net'
import { z } from 'zod'
import { compileGlob } from '../engine/glob/glob.js'
import { isStrataError } from '../errors.js'
import { parseBytes, parseMilliseconds } from './units.js'

/**
 * The kinds of values that settings have. Each message says what to write, and none repeats the value: it may be a secret.
 */

interface Bounds {
  readonly min?: number
  readonly max?: number
}

/** Bytes: a number, or `512MB`, `1GiB`. */
export function bytes({ min = 0, max = Number.MAX_SAFE_INTEGER }: Bounds = {}) {
  const error = 'must be a size: a number of bytes, or text such as "512MB" or "1GiB"'
  return amount(error, parseBytes, min, max, 'bytes')
}

/** Seconds: a number, or `10m`, `7d`. */
export function seconds({ min = 0, max = 100 * 365 * 86400 }: Bounds = {}) {
  const error = 'must be a duration: a number of seconds, or text such as "90s", "10m" or "7d"'
  const parse = (value: number | string) => {
    const ms = parseMilliseconds(value, 's')
    return ms === undefined ? undefined : ms / 1000
  }
  return amount(error, parse, min, max, 'seconds')
}

/** Milliseconds: a number, or `250ms`, `30s`. The upper bound is what timers can wait (2^31 - 1 ms). */
export function milliseconds({ min = 0, max = 2 ** 31 - 1 }: Bounds = {}) {
  const error = 'must be a duration: a number of milliseconds, or text such as "250ms", "30s" or "5m"'
  return amount(error, value => parseMilliseconds(value, 'ms'), min, max, 'milliseconds')
}

/** A whole number. */
export function count({ min = 0, max = Number.MAX_SAFE_INTEGER }: Bounds = {}) {
  return z.number().int().min(min).max(max)
}

/** One of RFC 9110's field names, any case. */
export function fieldName() {
  return z
    .string()
    .regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/, 'must be a header field name, such as "Accept-Language"')
}

/** A status code, or a class of them. */
export function statusOrClass() {
  return z.string().regex(/^[1-5](\d\d|xx)$/, 'must be a status code such as "404", or a class such as "5xx"')
}

/** An operator's glob. */
export function glob(example: string) {
  return z.string().superRefine((value, ctx) => addGlobFault(value, example, ctx))
}

/** One of them, or a list. */
export function globs(example: string) {
  return z
    .union([z.string(), z.array(z.string()).min(1)], {
      error: `must be a glob over the path such as "${example}", or a list of them`,
    })
    .superRefine((value, ctx) => {
      if (typeof value === 'string') return addGlobFault(value, example, ctx)
      for (const [i, one] of value.entries()) addGlobFault(one, example, ctx, [i])
    })
}

/** What clients and origins write is held against globs: only those are taken that need no going back. */
function addGlobFault(value: string, example: string, ctx: z.RefinementCtx, path: PropertyKey[] = []): void {
  try {
    compileGlob(value)
  } catch (error) {
    if (!isStrataError(error, 'STRATA_BAD_REQUEST')) throw error
    ctx.addIssue({ code: 'custom', path, message: `must be a glob, such as "${example}": ${error.message}` })
  }
}

/** An http or https URL of scheme, host and port alone. */
export function originUrl() {
  return z.string().superRefine((value, ctx) => {
    const url = URL.canParse(value) ? new URL(value) : undefined
    if (!url || !['http:', 'https:'].includes(url.protocol) || url.hostname === '') {
      ctx.addIssue('must be an http or https URL, such as "http://127.0.0.1:9000"')
    } else if (url.username || url.password) {
      ctx.addIssue('must not hold a user name or password')
    } else if (url.pathname !== '/' || url.search || url.hash || value.includes('?') || value.includes('#')) {
      ctx.addIssue('must be scheme, host and port alone: take off the path and the query')
    }
  })
}

/** An http or https URL of a service. */
export function endpointUrl() {
  return z.string().superRefine((value, ctx) => {
    const url = URL.canParse(value) ? new URL(value) : undefined
    if (!url || !['http:', 'https:'].includes(url.protocol)) {
      ctx.addIssue('must be an http or https URL, such as "http://127.0.0.1:9000"')
    } else if (url.username || url.password) {
      ctx.addIssue('must not hold credentials: use s3.accessKeyId and s3.secretAccessKey')
    }
  })
}

/** redis:// or rediss:// (TLS), with user, password and database number when needed. */
export function redisUrl() {
  return z.string().superRefine((value, ctx) => {
    const url = URL.canParse(value) ? new URL(value) : undefined
    if (!url || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') {
      ctx.addIssue('must be a URL such as "redis://127.0.0.1:6379/0" (rediss:// for TLS)')
    } else if (!/^\/?\d{0,5}$/.test(url.pathname)) {
      ctx.addIssue('must end with a database number or nothing after the port, such as "/0"')
    }
  })
}

/** An IP address, a CIDR range, or the word loopback. */
export function addressRange() {
  return z
    .string()
    .refine(
      value => value === 'loopback' || isRange(value),
      'must be an IP address, a range such as "10.0.0.0/8", or "loopback"',
    )
}

function isRange(value: string): boolean {
  const [address = '', prefix, ...more] = value.split('/')
  const family = isIP(address)
  if (family === 0 || more.length > 0) return false
  if (prefix === undefined) return true
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > (family === 4 ? 32 : 128)) return false
  return true
}

function amount(
  error: string,
  parse: (value: number | string) => number | undefined,
  min: number,
  max: number,
  unit: string,
) {
  return z.union([z.number(), z.string()], { error }).transform((value, ctx) => {
    const parsed = parse(value)
    if (parsed === undefined) ctx.addIssue(error)
    else if (parsed < min) ctx.addIssue(`must be at least ${min} ${unit}`)
    else if (parsed > max) ctx.addIssue(`must be at most ${max} ${unit}`)
    else return parsed
    return z.NEVER
  })
}

/** A URL that nobody on the way can change the answer of: https, or http on this machine. */
export function safeUrl() {
  return z
    .string()
    .max(2048)
    .superRefine((value, ctx) => {
      const url = URL.canParse(value) ? new URL(value) : undefined
      const isLocal = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url?.hostname ?? '')
      if (!url || !(url.protocol === 'https:' || (url.protocol === 'http:' && isLocal)))
        ctx.addIssue('must be an https URL (http only for 127.0.0.1, ::1 or localhost)')
      else if (url.username || url.password) ctx.addIssue('must not hold credentials')
    })
}

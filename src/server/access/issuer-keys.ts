import { readFileSync } from 'node:fs'
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose'
import { messageOf, StrataError } from '../../errors.js'

export interface IssuerSettings {
  readonly issuer: string
  /** Where its keys are; without it (and without a file) the issuer's own OpenID configuration says. */
  readonly jwksUrl?: string | undefined
  /** A file with its keys, read at the start. */
  readonly jwksFile?: string | undefined
}

/** Largest answer of an issuer, bytes. */
const MAX_ANSWER = 256 * 1024
const TIMEOUT_MS = 5000
/** How long keys are believed, and how soon an unknown one makes us look again, ms. */
const CACHE_MS = 600_000
const COOLDOWN_MS = 30_000
/** How long an issuer that failed is left alone, ms: tokens must not be a way to make us call it all the time. */
const REST_MS = 5000

/** The issuer's public keys, found when the first token comes. @throws StrataError STRATA_CONFIG for a file that can't be read */
export function issuerKeys(settings: IssuerSettings, restMs = REST_MS): JWTVerifyGetKey {
  if (settings.jwksFile !== undefined) return createLocalJWKSet(fromFile(settings.jwksFile))
  const get = resting(bounded, restMs)
  const remote = (url: string) =>
    createRemoteJWKSet(new URL(url), {
      timeoutDuration: TIMEOUT_MS,
      cooldownDuration: COOLDOWN_MS,
      cacheMaxAge: CACHE_MS,
      [customFetch]: (at, { headers, signal }) => get(at, { headers, signal }),
    })
  let found: Promise<JWTVerifyGetKey> | undefined
  return async (header, token) => {
    found ??=
      settings.jwksUrl === undefined
        ? discover(settings.issuer, get).then(remote)
        : Promise.resolve(remote(settings.jwksUrl))
    const keys = await found.catch((error: unknown) => {
      found = undefined
      throw error
    })
    return keys(header, token)
  }
}

type Get = (url: string, init: { headers?: Headers; signal?: AbortSignal }) => Promise<Response>

/** OpenID Connect Discovery 1.0 §4: what the issuer says of itself has to name itself. */
async function discover(issuer: string, get: Get): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const response = await get(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
  const { issuer: named, jwks_uri: at } = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown }
  if (named !== issuer) throw unavailable(`${url} is of another issuer`)
  if (typeof at !== 'string' || !isSafeUrl(at)) throw unavailable(`${url} names no https URL of keys`)
  return at
}

/** https, or this machine: keys that anybody on the way could change are worth nothing. */
export function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  const isLocal = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
  return username === '' && password === '' && (protocol === 'https:' || (protocol === 'http:' && isLocal))
}

/** 200, no redirects, and no more than `MAX_ANSWER`. */
const bounded: Get = async (url, { headers, signal }) => {
  const init: RequestInit = { redirect: 'error', headers: headers ?? {}, ...(signal && { signal }) }
  const response = await fetch(url, init)
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > MAX_ANSWER) throw unavailable(`${url} answers with more than ${MAX_ANSWER} bytes`)
    chunks.push(chunk)
  }
  if (response.status !== 200) throw unavailable(`${url} answered ${response.status}`)
  return new Response(Buffer.concat(chunks))
}

function resting(get: Get, restMs: number): Get {
  let failed: { readonly at: number; readonly error: unknown } | undefined
  return async (url, init) => {
    if (failed !== undefined && performance.now() - failed.at < restMs) throw failed.error
    try {
      const response = await get(url, init)
      failed = undefined
      return response
    } catch (error) {
      failed = { at: performance.now(), error }
      throw error
    }
  }
}

function fromFile(file: string): JSONWebKeySet {
  try {
    const keys = JSON.parse(readFileSync(file, 'utf8')) as JSONWebKeySet
    createLocalJWKSet(keys)
    return keys
  } catch (cause) {
    const message = `admin.jwt.jwksFile: ${file} can't be read as a set of keys (${messageOf(cause)})`
    throw new StrataError('STRATA_CONFIG', message, { cause })
  }
}

function unavailable(message: string): StrataError {
  return new StrataError('STRATA_STORE_UNAVAILABLE', message)
}

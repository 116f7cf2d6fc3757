import type { ClientRequest } from '../engine/exchange.js'
import type { WarmOptions } from '../engine/warm/options.js'
import { refreshRequest } from './refresh-request.js'

/** Request fields that belong to one client or to one connection: nothing is asked for with them, in nobody's name. */
const REFUSED =
  /^(host|cookie2?|authorization|proxy-.*|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|via|forwarded|x-forwarded-.*|content-.*|range|if-.*|cache-control|pragma|sec-.*)$/

/** Whether a job may send this request field. @param name in small letters */
export function mayWarmWith(name: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9a-z]{1,64}$/.test(name) && !REFUSED.test(name)
}

/**
 * The request of a client of the site for this URL, as the proxy would hand it in. Whatever the URL says, the configured origin is asked.
 * @param url path and query, or absolute: then it names the site itself
 */
export function warmRequest(
  url: string,
  { site, headers = {} }: Pick<WarmOptions, 'site' | 'headers'>,
  proxy: { readonly viaName: string; readonly hostHeader: 'origin' | 'preserve' },
): ClientRequest | undefined {
  const absolute = url.startsWith('/') ? `${site}${url}` : url
  const match = /^(https?:\/\/[^/?#]+)([/?].*)?$/i.exec(absolute)
  const place = match === null ? undefined : placeOf(match[1]!)
  if (match === null || place === undefined) return undefined
  const { protocol, host, hostname } = place
  // As `proxiedRequest` has it: an origin that does not get the client's Host does not get the port either.
  const authority = proxy.hostHeader === 'preserve' ? host : hostname
  const rest = match[2] ?? '/'
  const selecting = Object.entries(headers).map(([name, value]) => ({ name, value }))
  const path = rest.startsWith('/') ? rest : `/${rest}`
  return refreshRequest({ url: `${protocol}//${authority}${path}`, selecting }, proxy)
}

let last: { readonly text: string; readonly place: URL | undefined } | undefined

/** A job asks one site for a million tiles: what was read last is kept. @param text scheme and authority */
function placeOf(text: string): URL | undefined {
  if (last?.text !== text) last = { text, place: URL.canParse(text) ? new URL(text) : undefined }
  return last.place
}

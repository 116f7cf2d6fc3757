import type { ClientRequest } from '../engine/exchange.js'
import type { Entry } from '../engine/ports/index.js'
import { VOUCHED } from './forwarded.js'

const URL_PARTS = /^(https?):\/\/([^/?]+)([^?]*)(?:\?(.*))?$/s

/**
 * The request of a client that would get this entry: its URL, and the request fields that chose the variant. To the origin it says of
 * itself what the proxy says of every request, with this machine as the client.
 */
export function refreshRequest(
  { url, selecting }: Pick<Entry, 'url' | 'selecting'>,
  { viaName }: { readonly viaName: string },
): ClientRequest | undefined {
  const [, scheme, authority, path, query] = URL_PARTS.exec(url) ?? []
  if ((scheme !== 'http' && scheme !== 'https') || authority === undefined) return undefined
  const headers: Record<string, string> = { host: authority }
  const rawFields: string[] = []
  for (const { name, value } of selecting) {
    if (value === null || name === 'host') continue
    headers[name] = value
    rawFields.push(name, value)
  }
  rawFields.push('X-Forwarded-For', '127.0.0.1', 'X-Forwarded-Proto', scheme, 'X-Forwarded-Host', authority)
  rawFields.push('Via', `1.1 ${viaName}`)
  const target = { scheme, authority, path: path || '/', query } as const
  return { method: 'GET', ...target, headers, rawFields, vouched: VOUCHED, body: undefined }
}

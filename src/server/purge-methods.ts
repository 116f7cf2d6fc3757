import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Principal } from '../engine/access/scopes.js'
import { isSweeping } from '../engine/access/sweeping.js'
import type { InvalidateRequest, Operator } from '../engine/operator.js'
import { StrataError } from '../errors.js'
import { allow, isIntrusion, type Access } from './access/access.js'
import type { Audit } from './audit/audit.js'
import { sendAnswer, sendProblem, toStrataError } from './admin/answer.js'
import { invalidationAnswer } from './admin/invalidate-routes.js'
import { securityHeaders } from './admin/security-headers.js'
import { requestId } from './request-id.js'

export interface PurgeMethodOptions {
  readonly access: Access
  readonly audit: Audit
  readonly operator: Pick<Operator, 'invalidate'>
  readonly methods: { readonly purge: boolean; readonly ban: boolean }
  /** What went wrong inside: the client is not told. */
  readonly onError: (error: unknown) => void
}

/** What the methods look at of a request. */
export interface MethodRequest {
  readonly method: string
  /** Path and query, or a whole URL. */
  readonly target: string
  readonly headers: IncomingHttpHeaders
  readonly socket: { readonly remoteAddress?: string | undefined }
  /** As its answer has it already. */
  readonly id?: string
}

const TAG_FIELDS = ['surrogate-key', 'xkey', 'cache-tag'] as const

/**
 * Invalidation by HTTP method, as users of Varnish, Squid and Fastly know it, for those who may use the admin routes.
 *
 * - `PURGE /path`: this URL of this Host, all variants. With `Surrogate-Key`, `xkey` (separated by spaces) or `Cache-Tag` (by commas)
 *   the tags in place of the URL.
 * - `BAN`: everything that `X-Ban-Url` (a glob), `X-Ban-Host` and the tags (any of them) are about together.
 * - `Soft-Purge: 1` or `Fastly-Soft-Purge: 1`: stale in place of gone.
 */
export class PurgeMethods {
  constructor(private readonly options: PurgeMethodOptions) {}

  /** Whether this method is switched on. */
  takes(method: string | undefined): boolean {
    const { purge, ban } = this.options.methods
    return (method === 'PURGE' && purge) || (method === 'BAN' && ban)
  }

  /** Answers the request when its method is one that is switched on; else false, and nothing is done. */
  take(req: IncomingMessage, res: ServerResponse): boolean {
    if (!this.takes(req.method)) return false
    req.resume()
    const id = requestId(req)
    securityHeaders(req, res, id)
    const target = (req as IncomingMessage & { originalUrl?: string }).originalUrl ?? req.url ?? '/'
    const request = { method: req.method!, target, headers: req.headers, socket: req.socket, id }
    this.run(request).then(
      answer => sendAnswer(res, answer),
      (error: unknown) => sendProblem(res, error),
    )
    return true
  }

  /** @throws StrataError STRATA_UNAUTHORIZED, STRATA_FORBIDDEN, STRATA_RATE_LIMITED, STRATA_BAD_REQUEST, STRATA_STORE_UNAVAILABLE */
  async run(request: MethodRequest): Promise<ReturnType<typeof invalidationAnswer>> {
    const { access, audit, operator } = this.options
    const { method, target } = request
    const about = { from: access.addressOf(request), requestId: request.id ?? requestId(request) }
    let principal: Principal | undefined
    try {
      const who = (principal = await access.enter(request))
      allow(who, 'purge')
      const invalidation = invalidationOf(request)
      if (await isSweeping(invalidation)) allow(who, 'purge-all')
      const deed = { ...about, action: method.toLowerCase(), principal: who, target: invalidation }
      return await audit.around(deed, async () => invalidationAnswer(await operator.invalidate(invalidation)))
    } catch (thrown) {
      const error = toStrataError(thrown)
      if (error.code === 'STRATA_INTERNAL') this.options.onError(thrown)
      if (isIntrusion(error, principal))
        await audit.refused({ ...about, method, url: target, principal, error })
      throw error
    }
  }
}

function invalidationOf({ method, target, headers }: MethodRequest): InvalidateRequest {
  const soft = isOn(headers['soft-purge']) || isOn(headers['fastly-soft-purge'])
  const tags = TAG_FIELDS.flatMap(name => tagsIn(headers[name], name === 'cache-tag' ? ',' : /[ \t,]+/))
  if (method === 'PURGE')
    return tags.length > 0 ? { tags, soft } : { urls: urlsOf(target, headers.host), soft }
  const pattern = textOf(headers['x-ban-url'])
  const host = textOf(headers['x-ban-host'])
  if (pattern === undefined && host === undefined && tags.length === 0) {
    throw new StrataError(
      'STRATA_BAD_REQUEST',
      'a BAN says what it is about: X-Ban-Url (a glob such as /tiles/**), X-Ban-Host, Surrogate-Key or xkey',
    )
  }
  return {
    soft,
    ...(pattern === undefined ? {} : { pattern }),
    ...(host === undefined ? {} : { host }),
    ...(tags.length === 0 ? {} : { tags }),
  }
}

/** By whichever scheme it was asked for. Without a Host (HTTP/1.0), the path on any host. */
function urlsOf(target: string, host: string | undefined): string[] {
  if (!target.startsWith('/')) return [target]
  return host === undefined ? [target] : [`http://${host}${target}`, `https://${host}${target}`]
}

function tagsIn(value: string | string[] | undefined, separator: string | RegExp): string[] {
  const text = textOf(value)
  if (text === undefined) return []
  return text
    .split(separator)
    .map(tag => tag.trim())
    .filter(tag => tag !== '')
}

function textOf(value: string | string[] | undefined): string | undefined {
  const text = Array.isArray(value) ? value.join(', ') : value
  return text === undefined || text.trim() === '' ? undefined : text.trim()
}

function isOn(value: string | string[] | undefined): boolean {
  return /^(1|true|yes)$/i.test(textOf(value) ?? '')
}

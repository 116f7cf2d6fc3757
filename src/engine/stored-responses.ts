import { endToEnd } from '../http/hop-by-hop.js'
import { initialAge } from '../http/freshness.js'
import { policyOf, validatorsOf } from '../http/policy.js'
import { storeRefusal } from '../http/storable.js'
import { updateFields } from '../http/update.js'
import { usefulUntil } from '../http/useful.js'
import { cleanFields, contentLength } from './assess.js'
import { candidateOf, type EntryCandidate } from './candidates.js'
import type { ClientRequest } from './exchange.js'
import type { Identity } from './identity.js'
import type { ResponseHead } from './origin.js'
import type { Parts } from './parts.js'
import type { Entry, RawFields } from './ports/index.js'
import { policyRuleFor, type Rule } from './rules.js'

/** What answers of the origin do to responses that are stored already: freshen, update, discard. */
export class StoredResponses {
  constructor(
    private readonly parts: Parts,
    private readonly plan: {
      readonly request: ClientRequest
      readonly identity: Identity
      readonly rule: Rule
    },
  ) {}

  /** RFC 9111 §4.3.4: the stored response with the fields of the 304. It keeps its stamp: its content was fetched then (P1). */
  async refresh(
    candidate: EntryCandidate,
    fields: RawFields,
    requestTime: number,
    responseTime: number,
  ): Promise<EntryCandidate | undefined> {
    const entry = this.#updated(candidate, fields, requestTime, responseTime)
    if (entry === undefined) {
      await this.discard(candidate)
      return undefined
    }
    const refreshed = candidateOf(entry, this.plan.rule, false)
    try {
      const { maxVariants } = this.parts.settings.limits
      const options = { maxVariants, expectBody: entry.body.id }
      // A purge that meant what it was until now means what it has become: the content is the same.
      const result = await this.parts.fence.commitChecked(entry, options, candidate.stored)
      // Purged meanwhile: what the 304 confirmed is not kept. Those who wait here asked before the purge, and may have it (P1).
      if (!result.ok)
        this.parts.events.warn('refresh-not-kept', { url: this.plan.identity.url, reason: result.reason })
      this.parts.memory.remove(this.plan.identity.text)
    } catch (error) {
      // The origin has just confirmed the content: it is answered with; only the store does not know.
      this.parts.events.warn('refresh-failed', { url: this.plan.identity.url, error: String(error) })
    }
    return refreshed
  }

  #updated(
    candidate: EntryCandidate,
    update: RawFields,
    requestTime: number,
    responseTime: number,
  ): Entry | undefined {
    const { rule, request, identity } = this.plan
    const old = candidate.stored
    const fields = updateFields(old.fields, endToEnd(update))
    const policy = policyOf(
      { status: old.status, fields, responseTime },
      policyRuleFor(rule, { url: identity.url, status: old.status }),
    )
    const refusal = storeRefusal(
      {
        method: 'GET',
        hasAuthorization: request.headers.authorization !== undefined,
        hasUnkeyedCookie: false,
        hasBody: false,
        noStore: false,
      },
      { status: old.status, fields, delimited: true },
      policy,
      { ...rule, postIsReusable: true },
    )
    if (refusal !== undefined) return undefined
    const clean = cleanFields({ fields }, policy, rule, responseTime)
    const times = { fields: clean, requestTime: requestTime, responseTime }
    const uselessAt = usefulUntil(policy, initialAge(times), responseTime, this.parts.settings.http.keep)
    return { ...old, ...times, url: identity.url, uselessAt }
  }

  /** RFC 9111 §4.3.5: a HEAD answer updates the stored GET response if it is of the same representation, else makes it stale. */
  async updateByHead(
    candidate: EntryCandidate,
    head: ResponseHead,
    requestTime: number,
    responseTime: number,
  ): Promise<void> {
    const { stored } = candidate
    const known = validatorsOf(stored)
    const now = validatorsOf({ fields: head.fields, responseTime })
    const length = contentLength(head)
    const same =
      head.status === stored.status &&
      stored.range === undefined &&
      (length === undefined || length === stored.body.size) &&
      (now.etag === undefined || now.etag === known.etag) &&
      (now.lastModified === undefined || now.lastModified === known.lastModified)
    const entry = same ? this.#updated(candidate, head.fields, requestTime, responseTime) : undefined
    if (entry === undefined) return this.discard(candidate)
    try {
      const { maxVariants } = this.parts.settings.limits
      const options = { maxVariants, expectBody: entry.body.id }
      await this.parts.fence.commitChecked(entry, options, candidate.stored)
      this.parts.memory.remove(this.plan.identity.text)
    } catch (error) {
      this.parts.events.warn('refresh-failed', { url: this.plan.identity.url, error: String(error) })
    }
  }

  async discard({ stored }: EntryCandidate): Promise<void> {
    this.parts.memory.remove(this.plan.identity.text)
    try {
      await this.parts.metadata.remove([{ key: stored.key, variant: stored.variant, bodyId: stored.body.id }])
    } catch (error) {
      this.parts.events.warn('remove-failed', { url: stored.url, error: String(error) })
    }
  }
}

import { timingSafeEqual } from 'node:crypto'
import { StrataError } from '../../errors.js'
import type { Clock } from '../clock.js'
import { FaultyRequest, type Fault } from '../fence/mark-faults.js'
import type { ApiKeyStore } from '../ports/api-key-store.js'
import { decodeApiKey, encodeApiKey, mintToken, parseToken, type ApiKey } from './api-key.js'
import { isRole, isScope, ROLE_NAMES, SCOPES, scopesOf, type Role, type Scope } from './scopes.js'

/** API keys that one namespace may have. */
export const MAX_API_KEYS = 1000
const MAX_NAME = 100
/** Longest life of a key that ends, ms: ten years. */
const MAX_LIFE = 10 * 365 * 86_400_000

export interface ApiKeyRequest {
  readonly name: string
  /** Scopes and roles. */
  readonly scopes: readonly (Scope | Role)[]
  /** How long it is good, ms; null: until it is revoked. */
  readonly lifeMs: number | null
}

/** A key as it may be shown: without its hash. */
export type ApiKeyView = Omit<ApiKey, 'hash' | 'createdAt' | 'expiresAt'> & {
  readonly createdAt: string
  readonly expiresAt: string | null
  readonly expired: boolean
}

/** What an API key turned out to be. */
export type Verdict =
  { readonly state: 'good'; readonly key: ApiKey } | { readonly state: 'expired' | 'unknown' }

/** The API keys of one namespace. Every look is one at the store: what one node revokes is refused by all from then on. */
export class ApiKeys {
  constructor(
    private readonly parts: {
      readonly store: ApiKeyStore
      readonly clock: Clock
      readonly namespace: string
    },
  ) {}

  /**
   * Makes a key. Its text is in the answer and nowhere else: it can't be shown again.
   * @param by the id of who asks
   * @throws FaultyRequest (STRATA_BAD_REQUEST); StrataError STRATA_STORE_UNAVAILABLE
   */
  async create(request: ApiKeyRequest, by: string): Promise<{ token: string; key: ApiKeyView }> {
    const faults = faultsOf(request)
    if (faults.length > 0) throw new FaultyRequest(faults)
    const { store, clock, namespace } = this.parts
    const { id, hash, token } = mintToken()
    const now = clock.now()
    const key: ApiKey = {
      id,
      name: request.name,
      namespace,
      scopes: [...scopesOf(request.scopes)],
      createdAt: now,
      createdBy: by,
      expiresAt: request.lifeMs === null ? null : now + request.lifeMs,
      hash,
    }
    const result = await store.add(id, encodeApiKey(key), MAX_API_KEYS)
    if (result === 'full') {
      const message = `there are ${MAX_API_KEYS} keys already: revoke those that nobody needs`
      throw new FaultyRequest([{ path: '', message }])
    }
    if (result === 'taken')
      throw new StrataError('STRATA_STORE_UNAVAILABLE', 'the key could not be stored: try again')
    return { token, key: this.#view(key) }
  }

  /** The newest first. @throws StrataError STRATA_STORE_UNAVAILABLE */
  async list(): Promise<ApiKeyView[]> {
    const keys = (await this.parts.store.list()).map(decodeApiKey).filter(key => key !== undefined)
    keys.sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1))
    return keys.map(key => this.#view(key))
  }

  /** From now on no node takes it. @throws StrataError STRATA_NOT_FOUND, STRATA_STORE_UNAVAILABLE */
  async revoke(id: string): Promise<void> {
    if (/^[0-9a-f]{16}$/.test(id) && (await this.parts.store.remove(id))) return
    throw new StrataError('STRATA_NOT_FOUND', `there is no API key ${JSON.stringify(id.slice(0, 64))}`)
  }

  /** Undefined for a text that is no API key. @throws StrataError STRATA_STORE_UNAVAILABLE */
  async verify(token: string): Promise<Verdict | undefined> {
    const given = parseToken(token)
    if (given === undefined) return undefined
    const { store, clock, namespace } = this.parts
    const text = await store.get(given.id)
    const key = text === undefined ? undefined : decodeApiKey(text)
    // An unknown id is compared as well, so that it takes as long as a wrong secret.
    const isRight = equal(given.hash, key?.hash ?? given.id.repeat(3).slice(0, 43))
    if (key === undefined || !isRight || key.namespace !== namespace || key.id !== given.id)
      return { state: 'unknown' }
    if (key.expiresAt !== null && clock.now() >= key.expiresAt) return { state: 'expired' }
    return { state: 'good', key }
  }

  #view({ hash: _hash, createdAt, expiresAt, ...key }: ApiKey): ApiKeyView {
    return {
      ...key,
      createdAt: new Date(createdAt).toISOString(),
      expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
      expired: expiresAt !== null && this.parts.clock.now() >= expiresAt,
    }
  }
}

function equal(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

function faultsOf({ name, scopes, lifeMs }: ApiKeyRequest): Fault[] {
  const faults: Fault[] = []
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  if (name.trim() === '' || name.length > MAX_NAME || /[\x00-\x1f\x7f-\x9f]/.test(name)) {
    faults.push({
      path: 'name',
      message: `must say what the key is for, in at most ${MAX_NAME} plain characters`,
    })
  }
  const known = `${SCOPES.join(', ')}; or roles: ${ROLE_NAMES.join(', ')}`
  if (scopes.length === 0 || !scopes.every(scope => isScope(scope) || isRole(scope)))
    faults.push({ path: 'scopes', message: `must name scopes (${known})` })
  if (lifeMs !== null && !(lifeMs >= 1000 && lifeMs <= MAX_LIFE))
    faults.push({ path: 'expires', message: 'must be between one second and ten years, or never' })
  return faults
}

import { createHash, randomBytes } from 'node:crypto'
import { isScope, type Scope } from './scopes.js'

/** An API key as it is stored: nobody can make the key again from this. Times are ms since the epoch. */
export interface ApiKey {
  readonly id: string
  /** What its maker calls it. */
  readonly name: string
  /** The one namespace that it is good for. */
  readonly namespace: string
  readonly scopes: readonly Scope[]
  readonly createdAt: number
  /** Who made it, by the principal's id. */
  readonly createdBy: string
  /** Null: never. */
  readonly expiresAt: number | null
  /**
   * SHA-256 of the secret, base64url. The secret is 256 random bits: there is nothing to guess or to look up in a table, and so
   * nothing that salt or a slow hash would add.
   */
  readonly hash: string
}

/** Version of the stored text. */
const FORMAT = 1

const TOKEN = /^strata_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/

/** An id and 256 random bits, as the one text that a client sends: `strata_<id>_<secret>`. Scanners for leaked secrets can know it. */
export function mintToken(): { id: string; hash: string; token: string } {
  const id = randomBytes(8).toString('hex')
  const secret = randomBytes(32).toString('base64url')
  return { id, hash: hashOf(secret), token: `strata_${id}_${secret}` }
}

/** The parts of a key; undefined for what is none. */
export function parseToken(token: string): { id: string; hash: string } | undefined {
  const [, id, secret] = TOKEN.exec(token) ?? []
  return id === undefined ? undefined : { id, hash: hashOf(secret!) }
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

export function encodeApiKey(key: ApiKey): string {
  return JSON.stringify({ v: FORMAT, ...key })
}

/** What is stored is not believed (P10): undefined for another format, and for what is no key. */
export function decodeApiKey(text: string): ApiKey | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { v, ...key } = value as { v?: unknown } & Record<keyof ApiKey, unknown>
  const { id, name, namespace, scopes, createdAt, createdBy, expiresAt, hash } = key
  const isGood =
    v === FORMAT &&
    [id, name, namespace, createdBy, hash].every(part => typeof part === 'string') &&
    typeof createdAt === 'number' &&
    (expiresAt === null || typeof expiresAt === 'number') &&
    Array.isArray(scopes) &&
    scopes.every(isScope)
  return isGood ? (key as ApiKey) : undefined
}

import type { ApiKeys } from '../../engine/access/api-keys.js'
import { scopesOf } from '../../engine/access/scopes.js'
import type { Verifier } from './access.js'
import { BadCredential } from './refused.js'

/** API keys as credentials. */
export function apiKeyVerifier(keys: Pick<ApiKeys, 'verify'>): Verifier {
  return async credentials => {
    const verdict = await keys.verify(credentials)
    switch (verdict?.state) {
      case undefined:
        return undefined
      case 'good':
        return { kind: 'key', id: `key:${verdict.key.id}`, scopes: scopesOf(verdict.key.scopes) }
      case 'expired':
        throw new BadCredential('the API key has run out', false)
      case 'unknown':
        throw new BadCredential('the API key is wrong, or has been revoked', true)
    }
  }
}

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose'

/** An issuer of tokens with its keys, over HTTP as a real one has them. */
export interface TokenIssuer {
  readonly issuer: string
  readonly jwksUrl: string
  /** How often its keys were asked for. */
  asked(): number
  /** While true, it answers 500. */
  isDown: boolean
  readonly publicJwk: JWK
  readonly privateKey: CryptoKey
  /** A token that is good for an hour, unless the claims say otherwise; `undefined` takes a claim out. */
  sign(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
  close(): Promise<void>
}

export const AUDIENCE = 'strata-admin'

export async function startIssuer(algorithm = 'RS256'): Promise<TokenIssuer> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const publicJwk: JWK = { ...(await exportJWK(publicKey)), kid: 'key-1', alg: algorithm, use: 'sig' }
  let asked = 0
  const state = { isDown: false }
  const server = createServer((req, res) => {
    if (state.isDown) return void res.writeHead(500).end()
    res.setHeader('Content-Type', 'application/json')
    if (req.url === '/.well-known/openid-configuration')
      return void res.end(JSON.stringify({ issuer, jwks_uri: `${issuer}/jwks` }))
    if (req.url === '/huge') return void res.end('x'.repeat(300_000))
    if (req.url !== '/jwks') return void res.writeHead(404).end()
    asked++
    res.end(JSON.stringify({ keys: [publicJwk] }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(state, {
    issuer,
    jwksUrl: `${issuer}/jwks`,
    asked: () => asked,
    publicJwk,
    privateKey,
    sign: (claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}) => {
      const now = Math.floor(Date.now() / 1000)
      const all = { iss: issuer, aud: AUDIENCE, sub: 'alice', iat: now, exp: now + 3600, ...claims }
      const payload = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
      return new SignJWT(payload as JWTPayload)
        .setProtectedHeader({ alg: algorithm, kid: 'key-1', ...header })
        .sign(privateKey)
    },
    close: () => {
      server.closeAllConnections()
      return new Promise<void>(resolve => server.close(() => resolve()))
    },
  })
}

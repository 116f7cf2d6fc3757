import { z } from 'zod'
import { ROLE_NAMES, SCOPES } from '../engine/access/scopes.js'
import { count, milliseconds, safeUrl } from './kinds.js'

/** The admin API: where it is, who may use it, how often, and what is written down. */

/** Signatures by key pairs alone: with a secret that both sides share, whoever checks tokens could make them as well. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const

const jwt = z.strictObject({
  issuer: safeUrl()
    .optional()
    .describe('Issuer whose tokens (JWT, OAuth 2.0, OpenID Connect) are taken as credentials; unset: none'),
  audience: z
    .array(z.string().min(1).max(256))
    .min(1)
    .optional()
    .describe('Audience that a token has to name, one of these; needed with admin.jwt.issuer'),
  jwksUrl: safeUrl()
    .optional()
    .describe("URL of the issuer's keys (JWKS); unset: from the issuer's /.well-known/openid-configuration"),
  jwksFile: z
    .string()
    .min(1)
    .optional()
    .describe("File with the issuer's keys in place of a URL, read at the start"),
  algorithms: z
    .array(z.enum(ALGORITHMS))
    .min(1)
    .default(['RS256', 'PS256', 'ES256', 'EdDSA'])
    .describe('Signature algorithms that are taken'),
  clockSkewMs: milliseconds({ max: 300_000 })
    .default(30_000)
    .describe("How far the issuer's clock may be off (milliseconds)"),
  scopesClaim: z
    .string()
    .min(1)
    .max(256)
    .default('scope')
    .describe('Claim with the scopes, text or list; a dotted path such as realm_access.roles'),
  scopePrefix: z
    .string()
    .max(64)
    .default('strata:')
    .describe('What stands before a scope or role of Strata in that claim: strata:purge'),
  scopes: z
    .record(z.string().min(1).max(256), z.array(z.enum([...SCOPES, ...ROLE_NAMES])))
    .optional()
    .describe('What other values of that claim stand for: {"cache-admins": ["operator"]}'),
  namespacesClaim: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe(
      'Claim that has to name this namespace (or *); unset: a token is good for each that trusts its issuer',
    ),
})

export const adminSchema = z.strictObject({
  token: z
    .string()
    .min(8, 'must have at least 8 characters')
    .max(512, 'must have at most 512 characters')
    .regex(
      /^[A-Za-z0-9._~+/=-]+$/,
      'must hold only characters of a bearer token: letters, digits and . _ ~ + / = -',
    )
    .optional()
    .meta({
      description: 'Bearer token that may use all admin routes; without one they answer on loopback only',
      secret: true,
    }),
  path: z
    .string()
    .regex(/^(\/[A-Za-z0-9._~-]+)+$/, 'must begin with "/" and not end with one, such as "/admin/cache"')
    .default('/admin/cache')
    .describe('Where the admin routes are'),
  port: count({ max: 65_535 })
    .optional()
    .describe(
      'A port of their own for the admin routes: then they are not on the other one; 0: any that is free',
    ),
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on with admin.port'),
  trustLoopback: z
    .boolean()
    .default(true)
    .describe(
      'Without admin.token and admin.jwt, take direct requests from this machine without credentials',
    ),
  methods: z
    .strictObject({
      purge: z
        .boolean()
        .default(false)
        .describe('Take PURGE requests for any path, from those who may use the admin routes'),
      ban: z
        .boolean()
        .default(false)
        .describe('Take BAN requests (X-Ban-Url, X-Ban-Host, Surrogate-Key, xkey), from the same'),
    })
    .prefault({}),
  jwt: jwt.prefault({}),
  rateLimit: z
    .strictObject({
      perPrincipal: count({ max: 1e9 })
        .default(6000)
        .describe('Admin requests of one token, key or user in a minute; 0: no limit'),
      perAddress: count({ max: 1e9 })
        .default(12_000)
        .describe('Admin requests from one address (IPv6: /64) in a minute; 0: no limit'),
    })
    .prefault({}),
  lockout: z
    .strictObject({
      attempts: count({ min: 2, max: 10_000 })
        .default(10)
        .describe('Wrong credentials from one address after which it is locked out of the admin routes'),
      windowMs: milliseconds({ min: 1000, max: 86_400_000 })
        .default(900_000)
        .describe('… within this time (milliseconds)'),
      lockMs: milliseconds({ min: 1000, max: 86_400_000 })
        .default(900_000)
        .describe('… and for how long (milliseconds)'),
    })
    .prefault({}),
  audit: z
    .strictObject({
      file: z
        .string()
        .min(1)
        .optional()
        .describe(
          'Audit log, JSON lines; unset: audit.jsonl in the folder of the namespace in dataDir (backend memory: in the log alone)',
        ),
      sync: z
        .boolean()
        .default(true)
        .describe(
          'Wait until each line is on the disk before the action is begun, and before it is acknowledged',
        ),
    })
    .prefault({}),
})

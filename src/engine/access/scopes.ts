/** What somebody may do to one namespace. Each admin route names those of which it wants one. */
export const SCOPES = ['read', 'purge', 'purge-all', 'warm', 'config', 'keys'] as const
export type Scope = (typeof SCOPES)[number]

/** Names for the sets of scopes that people usually need. */
export const ROLES = {
  reader: ['read'],
  purger: ['read', 'purge'],
  seeder: ['read', 'warm'],
  operator: ['read', 'purge', 'purge-all', 'warm'],
  admin: SCOPES,
} as const satisfies Readonly<Record<string, readonly Scope[]>>
export type Role = keyof typeof ROLES

export const ROLE_NAMES = Object.keys(ROLES) as [Role, ...Role[]]

export function isScope(text: unknown): text is Scope {
  return (SCOPES as readonly unknown[]).includes(text)
}

export function isRole(text: unknown): text is Role {
  return (ROLE_NAMES as readonly unknown[]).includes(text)
}

/** Scopes of names that are scopes or roles, each once; who may purge all may purge a part. */
export function scopesOf(names: Iterable<Scope | Role>): ReadonlySet<Scope> {
  const scopes = new Set<Scope>()
  for (const name of names) for (const scope of isScope(name) ? [name] : ROLES[name]) scopes.add(scope)
  if (scopes.has('purge-all')) scopes.add('purge')
  return scopes
}

/** Who asks, once that is certain. */
export interface Principal {
  /** How that became certain: the token of the settings, an API key, a JWT, or being on this machine. */
  readonly kind: 'token' | 'key' | 'jwt' | 'local'
  /** Says who it is in the audit log, and whose requests are counted together: `key:3f2a…`. Never a secret. */
  readonly id: string
  readonly scopes: ReadonlySet<Scope>
}

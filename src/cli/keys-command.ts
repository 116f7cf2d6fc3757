import { userInfo } from 'node:os'
import type { ApiKeyRequest, ApiKeyView } from '../engine/access/api-keys.js'
import type { Role, Scope } from '../engine/access/scopes.js'
import { loadConfig, type ConfigSources } from '../config/index.js'
import { parseMilliseconds } from '../config/units.js'
import type { Output } from './output.js'

export interface CreateFlags {
  readonly name: string
  /** Scopes and roles, with commas. */
  readonly scopes: string
  /** A duration such as `90d`, or `never`. */
  readonly expires: string
}

/**
 * Makes a key and writes it to the output alone, so that it can go right into a file or a variable: it can't be shown again.
 * @returns exit code
 * @throws ConfigError; FaultyRequest (STRATA_BAD_REQUEST); StrataError STRATA_STORE_UNAVAILABLE, STRATA_AUDIT
 */
export async function createKey(sources: ConfigSources, flags: CreateFlags, output: Output): Promise<number> {
  const request: ApiKeyRequest = {
    name: flags.name,
    scopes: flags.scopes.split(',').map(scope => scope.trim()) as (Scope | Role)[],
    lifeMs: flags.expires === 'never' ? null : (parseMilliseconds(flags.expires, 's') ?? -1),
  }
  const { token, key } = await withKeys(sources, output, ({ keys, by, audited }) =>
    audited('create-api-key', { ...request }, async () => {
      const body = await keys.create(request, by)
      return { status: 201, body: { id: body.key.id, ...body } }
    }),
  )
  output.out(`${token}\n`)
  output.err(`strata: made ${lineOf(key)}\nstrata: this is the only time that it is shown\n`)
  return 0
}

/** @returns exit code @throws as createKey */
export async function listKeys(
  sources: ConfigSources,
  flags: { readonly json?: boolean },
  output: Output,
): Promise<number> {
  const keys = await withKeys(sources, output, ({ keys }) => keys.list())
  if (flags.json === true) output.out(`${JSON.stringify(keys, null, 2)}\n`)
  else output.out(keys.length === 0 ? 'There are no API keys.\n' : `${keys.map(lineOf).join('\n')}\n`)
  return 0
}

/** @returns exit code @throws as createKey; StrataError STRATA_NOT_FOUND */
export async function revokeKey(sources: ConfigSources, id: string, output: Output): Promise<number> {
  await withKeys(sources, output, ({ keys, audited }) =>
    audited('revoke-api-key', { id }, async () => {
      await keys.revoke(id)
      return { status: 200, body: { id } }
    }),
  )
  output.out(`Revoked ${id}: no node takes it any more.\n`)
  return 0
}

async function withKeys<T>(
  sources: ConfigSources,
  output: Output,
  work: (opened: Awaited<ReturnType<typeof import('../compose/api-keys.js').openApiKeys>>) => Promise<T>,
): Promise<T> {
  const config = loadConfig(sources)
  const { openApiKeys } = await import('../compose/api-keys.js')
  const opened = await openApiKeys(config, `cli:${userName()}`, line => output.err(`strata: ${line}\n`))
  try {
    return await work(opened)
  } finally {
    await opened.close()
  }
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run under a number that no file knows.
    return String(process.getuid?.() ?? 'unknown')
  }
}

function lineOf({ id, name, scopes, createdAt, createdBy, expiresAt, expired }: ApiKeyView): string {
  const end = expiresAt === null ? 'never expires' : `${expired ? 'expired' : 'expires'} ${expiresAt}`
  return `${id}  ${JSON.stringify(name)}  ${scopes.join(',')}  ${end}  (made ${createdAt} by ${createdBy})`
}

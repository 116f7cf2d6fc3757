import { hostname } from 'node:os'
import type { StrataConfig } from '../config/index.js'
import { ApiKeys } from '../engine/access/api-keys.js'
import { systemClock } from '../engine/clock.js'
import { messageOf } from '../errors.js'
import { AuditFile } from '../server/audit/audit-file.js'
import { Audit, type DeedResult } from '../server/audit/audit.js'
import { auditFileOf } from './audit-file-of.js'
import { closeAll } from './close-all.js'
import { openStoresFromOutside } from './stores-from-outside.js'

export interface OpenApiKeys {
  readonly keys: ApiKeys
  /** Who asks, for the audit log. */
  readonly by: string
  /** Does it between its two lines in the audit log, and gives what it answers with. */
  audited<T>(
    action: string,
    target: unknown,
    work: () => Promise<DeedResult & { readonly body: T }>,
  ): Promise<T>
  close(): Promise<void>
}

/**
 * The API keys of a configuration, for a process that serves nothing: the running nodes see at once what it does.
 * @param warn is told what goes wrong on the way, in one line
 * @throws ConfigError for a backend that no other process can see; StrataError when a store can't be opened
 */
export async function openApiKeys(
  config: StrataConfig,
  by: string,
  warn: (line: string) => void,
): Promise<OpenApiKeys> {
  const { namespace } = config
  const instead = 'ask its admin routes (POST /api-keys)'
  const { backend, stores } = await openStoresFromOutside(config, instead, warn)
  const file = auditFileOf(config, backend)
  const sink = file === undefined ? undefined : new AuditFile({ path: file, sync: config.admin.audit.sync })
  const audit = new Audit({
    sink,
    log: () => undefined,
    onError: error => warn(messageOf(error)),
    clock: systemClock,
    namespace,
    node: `${hostname()}:${process.pid}`,
  })
  return {
    keys: new ApiKeys({ store: stores.apiKeys, clock: systemClock, namespace }),
    by,
    audited: async (action, target, work) => {
      const requestId = `cli:${process.pid}`
      const principal = { kind: 'local', id: by } as const
      return (await audit.around({ action, principal, from: 'local', requestId, target }, work)).body
    },
    close: () => closeAll([() => stores.close(), () => sink?.close()]),
  }
}

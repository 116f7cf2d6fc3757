import { join } from 'node:path'
import type { StrataConfig } from '../config/index.js'

/** Where the audit log is; undefined: in the log alone. */
export function auditFileOf(
  { admin, dataDir, namespace }: StrataConfig,
  backend: string,
): string | undefined {
  if (admin.audit.file !== undefined) return admin.audit.file
  return backend === 'memory' ? undefined : join(dataDir, namespace, 'audit.jsonl')
}

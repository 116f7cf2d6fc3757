import { Audit, type AuditSink } from '../../src/server/audit/audit.js'
import { T0 } from './entries.js'

export interface AuditedEvent {
  readonly phase: 'intent' | 'result' | 'refused'
  readonly [name: string]: unknown
}

/** An audit log in memory: what was written, line by line. */
export function memoryAudit(sink?: AuditSink, now: () => number = () => T0) {
  const lines: string[] = []
  const errors: unknown[] = []
  const audit = new Audit({
    sink: sink ?? { append: async line => void lines.push(line) },
    log: () => undefined,
    onError: error => errors.push(error),
    clock: { now, monotonic: () => 0 },
    namespace: 'test',
    node: 'node-1',
  })
  return { audit, lines, errors, events: () => lines.map(line => JSON.parse(line) as AuditedEvent) }
}

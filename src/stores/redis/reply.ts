import { StrataError } from '../../errors.js'

/** Readers of script replies: another shape than agreed is a fault of the server (or of a proxy before it), not a miss. */
export function listOf(reply: unknown): readonly unknown[] {
  if (!Array.isArray(reply)) throw unexpected(reply)
  return reply
}

export function bytesOf(reply: unknown): Buffer {
  if (!Buffer.isBuffer(reply)) throw unexpected(reply)
  return reply
}

export function textOf(reply: unknown): string {
  return bytesOf(reply).toString('latin1')
}

export function numberOf(reply: unknown): number {
  const value = Buffer.isBuffer(reply) ? Number(reply.toString('latin1')) : reply
  if (typeof value !== 'number' || !Number.isFinite(value)) throw unexpected(reply)
  return value
}

function unexpected(reply: unknown): StrataError {
  return new StrataError(
    'STRATA_STORE_UNAVAILABLE',
    `Redis gave an unexpected reply: ${String(reply).slice(0, 80)}`,
  )
}

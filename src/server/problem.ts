import { STATUS_CODES } from 'node:http'
import type { StrataError } from '../errors.js'

/** RFC 9457 problem details of an error: what is wrong and what to do, never a stack. */
export function problemOf(error: StrataError): { status: number; fields: string[]; body: Buffer } {
  const { status, code, message } = error
  const body = Buffer.from(
    JSON.stringify({
      type: 'about:blank',
      title: STATUS_CODES[status] ?? 'Error',
      status,
      code,
      detail: message,
    }) + '\n',
  )
  const fields = [
    'Content-Type',
    'application/problem+json',
    'Content-Length',
    String(body.length),
    'Cache-Control',
    'no-store',
  ]
  return { status, fields, body }
}

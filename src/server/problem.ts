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

/** The whole answer as bytes, for a connection that has no response object (any more); it is closed after it. */
export function rawAnswer(error: StrataError, fields: readonly string[]): Buffer {
  const { status, fields: own, body } = problemOf(error)
  return raw(status, [...own, ...fields], body)
}

/** The same for an answer that is no error. */
export function rawJson(status: number, value: unknown): Buffer {
  const body = Buffer.from(`${JSON.stringify(value)}\n`)
  const type = ['Content-Type', 'application/json; charset=utf-8', 'Cache-Control', 'no-store']
  return raw(status, [...type, 'Content-Length', String(body.length)], body)
}

function raw(status: number, fields: readonly string[], body: Buffer): Buffer {
  const all = [...fields, 'Connection', 'close']
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nDate: ${new Date().toUTCString()}\r\n`
  for (let i = 0; i < all.length; i += 2) head += `${all[i]!}: ${all[i + 1]!}\r\n`
  return Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), body])
}

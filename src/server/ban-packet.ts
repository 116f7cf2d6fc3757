import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import type { MethodRequest } from './purge-methods.js'

/** What node:http gives with a request that it cannot parse. */
export interface ParseError {
  readonly code?: string | undefined
  readonly rawPacket?: Buffer | undefined
}

const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\0\r\n]*?)[ \t]*$/

/**
 * node:http has a list of methods and BAN is not among them: it gives such a request up as one that it cannot parse, with the bytes
 * that it had. A BAN has no content, so its header section is all there is to read. Undefined for anything but a whole and plain one.
 */
export function parseBan({ code, rawPacket }: ParseError, socket: Socket): MethodRequest | undefined {
  if (!isBan({ code, rawPacket })) return undefined
  const text = rawPacket!.toString('latin1')
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [line = '', ...lines] = text.slice(0, end).split('\r\n')
  const target = /^BAN (\S+) HTTP\/1\.[01]$/.exec(line)?.[1]
  if (target === undefined) return undefined
  const headers: Record<string, string> = {}
  for (const fieldLine of lines) {
    const [, name, value] = FIELD.exec(fieldLine) ?? []
    if (name === undefined || value === undefined) return undefined
    const key = name.toLowerCase()
    // Two of what there may be one of (Host, Authorization): nobody can say which is meant.
    if (key in headers && (key === 'host' || key === 'authorization')) return undefined
    headers[key] = key in headers ? `${headers[key]!}, ${value}` : value
  }
  return { method: 'BAN', target, headers: headers as IncomingHttpHeaders, socket }
}

export function isBan({ code, rawPacket }: ParseError): boolean {
  return code === 'HPE_INVALID_METHOD' && rawPacket?.subarray(0, 4).toString('latin1') === 'BAN '
}

import { coded } from './node-errors.js'

/**
 * What a handler has written, as bytes. @param copies the memory is the handler's own again afterwards
 * @throws TypeError as node:http has it
 */
export function bytesOf(chunk: unknown, encoding: unknown, copies: boolean): Buffer {
  if (typeof chunk === 'string')
    return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
  if (chunk instanceof Uint8Array) {
    if (copies) return Buffer.from(chunk)
    return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  }
  const message = 'the chunk must be a string, a Buffer or a Uint8Array'
  throw coded(new TypeError(message), chunk === null ? 'ERR_STREAM_NULL_VALUES' : 'ERR_INVALID_ARG_TYPE')
}

import { createRequire } from 'node:module'
import { crc32 as ofZlib } from 'node:zlib'

/** CRC-32 of ISO 3309 and RFC 1952, section 8; `previous` is that of the bytes before these. */
export type Crc32 = (bytes: Uint8Array, previous?: number) => number

/**
 * That of `@node-rs/crc32`, with the processor's carry-less multiplication; where there is none of it for this machine, zlib's, which
 * says the same and takes five times as long: Node's is built without.
 */
export function crc32From(load: () => { readonly crc32: Crc32 }): Crc32 {
  try {
    return load().crc32
  } catch {
    return ofZlib // an optional dependency
  }
}

const require = createRequire(import.meta.url)

export const crc32 = crc32From(() => require('@node-rs/crc32') as { crc32: Crc32 })

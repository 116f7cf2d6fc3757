/** Where the bytes of a body lie. Each body has a hash slot of its own, so that a cluster spreads them. */

const WHOLE = 0x57 // 'W'
const PARTS = 0x50 // 'P'

/** Bytes of a manifest of chunks: kind 1, size 6, chunk size 4, writer's token 8. */
const PARTS_LENGTH = 19

/** How a body is put together of the chunks that one writer has written. */
export interface Parts {
  readonly size: number
  readonly chunkBytes: number
  /** 8 letters: two writers of one id do not touch each other's chunks. */
  readonly token: string
}

/** What the body's own key says. */
export type Manifest = { readonly whole: Buffer } | Parts

export interface BodyPlace {
  /** Key of the manifest, or of the whole body behind one byte. */
  readonly key: string
  chunk(token: string, n: number): string
  chunks(parts: Parts): string[]
}

export function bodyPlace(namespace: string, id: string): BodyPlace {
  const key = `{strata:${namespace}:${id}}:b`
  const chunk = (token: string, n: number) => `${key}:${token}:${n}`
  return {
    key,
    chunk,
    chunks: ({ size, chunkBytes, token }) =>
      Array.from({ length: Math.ceil(size / chunkBytes) }, (_, n) => chunk(token, n)),
  }
}

export function wholeManifest(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(WHOLE), bytes])
}

export function partsManifest({ size, chunkBytes, token }: Parts): Buffer {
  const bytes = Buffer.alloc(PARTS_LENGTH)
  bytes[0] = PARTS
  bytes.writeUIntBE(size, 1, 6)
  bytes.writeUInt32BE(chunkBytes, 7)
  bytes.write(token, 11, 'latin1')
  return bytes
}

/** The first bytes that tell what lies there: enough for a manifest of chunks. */
export const MANIFEST_BYTES = PARTS_LENGTH

export function readManifest(bytes: Buffer | null): Manifest | undefined {
  if (bytes === null || bytes.length === 0) return undefined
  if (bytes[0] === WHOLE) return { whole: bytes.subarray(1) }
  if (bytes[0] !== PARTS || bytes.length !== PARTS_LENGTH) return undefined
  const chunkBytes = bytes.readUInt32BE(7)
  if (chunkBytes === 0) return undefined
  return { size: bytes.readUIntBE(1, 6), chunkBytes, token: bytes.toString('latin1', 11) }
}

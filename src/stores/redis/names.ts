const DIGEST = /^[A-Za-z0-9_-]{43}$/

/**
 * A name as Redis keeps it: a SHA-256 in base64url (43 characters) as its 32 bytes, any other name as its text. A text of 32
 * characters gets a `~` at its end (no name has one), so that 32 bytes always mean a digest.
 */
export function packName(text: string): Buffer {
  if (DIGEST.test(text)) {
    const bytes = Buffer.from(text, 'base64url')
    // 43 characters hold 258 bits: only the canonical spelling comes back the same.
    if (bytes.toString('base64url') === text) return bytes
  }
  const plain = Buffer.from(text, 'latin1')
  return plain.length === 32 ? Buffer.from(`${text}~`, 'latin1') : plain
}

export function unpackName(bytes: Buffer): string {
  if (bytes.length === 32) return bytes.toString('base64url')
  const text = bytes.toString('latin1')
  return text.length === 33 && text.endsWith('~') ? text.slice(0, -1) : text
}

/** Body ids: `s-<digest>` of a shared small body is kept as the digest's 32 bytes. */
export function packBody(id: string): Buffer {
  if (id.length === 45 && id.startsWith('s-')) {
    const packed = packName(id.slice(2))
    if (packed.length === 32) return packed
  }
  // A bare digest must not be taken for `s-<digest>`: it stays text.
  const plain = Buffer.from(id, 'latin1')
  return plain.length === 32 ? Buffer.from(`${id}~`, 'latin1') : plain
}

export function unpackBody(bytes: Buffer): string {
  return bytes.length === 32 ? `s-${bytes.toString('base64url')}` : unpackName(bytes)
}

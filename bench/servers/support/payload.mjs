/** What origins send in all benches: a tile-like body that does not compress, fields as a tile server gives them. */

/** The same bytes in every process. @param {number} size @returns {Buffer} */
export function payload(size) {
  const bytes = Buffer.allocUnsafeSlow(size)
  let state = 0x2545f491
  for (let i = 0; i < size; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state & 0xff
  }
  return bytes
}

/** @param {number} size @param {string[]} more @returns {string[]} */
export function originFields(size, more = []) {
  return [
    'Content-Type',
    'image/png',
    'Content-Length',
    String(size),
    'Cache-Control',
    'public, max-age=86400',
    'ETag',
    '"5f3c-62a1b7"',
    'Last-Modified',
    'Tue, 03 Nov 2026 08:00:00 GMT',
    ...more,
  ]
}

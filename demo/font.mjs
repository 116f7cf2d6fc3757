/** A 5×7 bitmap font with what tiles need: digits, "/", ":", "-", ".", space, and a few capitals. Each row is five bits. */
const GLYPHS = {
  0: '01110 10001 10011 10101 11001 10001 01110',
  1: '00100 01100 00100 00100 00100 00100 01110',
  2: '01110 10001 00001 00110 01000 10000 11111',
  3: '11110 00001 00001 01110 00001 00001 11110',
  4: '00010 00110 01010 10010 11111 00010 00010',
  5: '11111 10000 11110 00001 00001 10001 01110',
  6: '00110 01000 10000 11110 10001 10001 01110',
  7: '11111 00001 00010 00100 01000 01000 01000',
  8: '01110 10001 10001 01110 10001 10001 01110',
  9: '01110 10001 10001 01111 00001 00010 01100',
  '/': '00001 00010 00010 00100 01000 01000 10000',
  ':': '00000 00100 00100 00000 00100 00100 00000',
  '-': '00000 00000 00000 11111 00000 00000 00000',
  '.': '00000 00000 00000 00000 00000 01100 01100',
  ' ': '00000 00000 00000 00000 00000 00000 00000',
  C: '01110 10001 10000 10000 10000 10001 01110',
  T: '11111 00100 00100 00100 00100 00100 00100',
  U: '10001 10001 10001 10001 10001 10001 01110',
}

const ADVANCE = 6

/** Width of a text in pixels. */
export function textWidth(text, scale) {
  return (text.length * ADVANCE - 1) * scale
}

/** Calls `dot(x, y)` for every pixel of the text whose top left corner is at x, y. */
export function drawText(text, x, y, scale, dot) {
  for (const [index, letter] of [...text].entries()) {
    const rows = (GLYPHS[letter] ?? GLYPHS[' ']).split(' ')
    for (const [row, bits] of rows.entries()) {
      for (let column = 0; column < bits.length; column++) {
        if (bits[column] === '1') block(x + (index * ADVANCE + column) * scale, y + row * scale, scale, dot)
      }
    }
  }
}

function block(x, y, size, dot) {
  for (let dy = 0; dy < size; dy++) for (let dx = 0; dx < size; dx++) dot(x + dx, y + dy)
}

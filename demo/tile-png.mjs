import { PNG } from 'pngjs'
import { drawText, textWidth } from './font.mjs'

const SIZE = 256
const GRID = 32

/**
 * A tile as PNG: a colour of its own, a grid, its z/x/y and the time it was drawn. The same arguments give the same bytes.
 * @param {{ z: number, x: number, y: number, drawnAt: Date }} tile
 * @returns {Buffer}
 */
export function drawTile({ z, x, y, drawnAt }) {
  const png = new PNG({ width: SIZE, height: SIZE, colorType: 2 })
  const hue = (z * 47 + x * 83 + y * 131) % 360
  const ground = colour(hue, 0.45, (x + y) % 2 === 0 ? 0.86 : 0.8)
  const line = colour(hue, 0.4, 0.7)
  const edge = colour(hue, 0.5, 0.4)
  const ink = colour(hue, 0.7, 0.16)

  const set = (px, py, [r, g, b]) => {
    if (px < 0 || py < 0 || px >= SIZE || py >= SIZE) return
    const at = (py * SIZE + px) * 4
    png.data[at] = r
    png.data[at + 1] = g
    png.data[at + 2] = b
    png.data[at + 3] = 255
  }
  for (let py = 0; py < SIZE; py++) {
    for (let px = 0; px < SIZE; px++) {
      const isEdge = px === 0 || py === 0 || px === SIZE - 1 || py === SIZE - 1
      set(px, py, isEdge ? edge : px % GRID === 0 || py % GRID === 0 ? line : ground)
    }
  }
  const centred = (text, top, scale) => {
    drawText(text, Math.round((SIZE - textWidth(text, scale)) / 2), top, scale, (px, py) => set(px, py, ink))
  }
  const name = `${z}/${x}/${y}`
  centred(name, 84, textWidth(name, 4) < SIZE - 16 ? 4 : textWidth(name, 3) < SIZE - 16 ? 3 : 2)
  const [date, time] = drawnAt.toISOString().split(/[T.]/)
  centred(date, 144, 2)
  centred(`${time} UTC`, 168, 2)
  return PNG.sync.write(png, { colorType: 2 })
}

/** Red, green and blue (0 to 255) of a hue in degrees, a saturation and a lightness (0 to 1). */
function colour(hue, saturation, lightness) {
  const chroma = saturation * Math.min(lightness, 1 - lightness)
  const channel = n => {
    const k = (n + hue / 30) % 12
    return Math.round(255 * (lightness - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1))))
  }
  return [channel(0), channel(8), channel(4)]
}

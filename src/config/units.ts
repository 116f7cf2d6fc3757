/** How people write sizes and durations: `512MB`, `1 GiB`, `10m`, `1.5h`. */

const BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
}

const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1e3,
  m: 60e3,
  min: 60e3,
  h: 3600e3,
  d: 86400e3,
  w: 604800e3,
}

const AMOUNT = /^(\d{1,16}(?:\.\d{1,6})?)\s?([a-z]{0,3})$/i

/**
 * Bytes from a number of bytes or a size: `B`, `kB`, `MB`, `GB`, `TB` count in thousands, `KiB`, `MiB`, `GiB`, `TiB` (also `K`, `M`, `G`, `T`) in
 * 1,024s, any case; a bare number is bytes. Undefined when it is neither.
 */
export function parseBytes(value: number | string): number | undefined {
  return whole(typeof value === 'number' ? value : amount(value, BYTES, 'b'))
}

/** Milliseconds from a duration (`250ms`, `10s`, `5m`, `1.5h`, `7d`, `2w`); a bare number counts in `bareUnit`. Undefined when it is neither. */
export function parseMilliseconds(value: number | string, bareUnit: 'ms' | 's'): number | undefined {
  const ms =
    typeof value === 'number' ? value * MILLISECONDS[bareUnit]! : amount(value, MILLISECONDS, bareUnit)
  return whole(ms === undefined ? undefined : Math.round(ms))
}

function amount(text: string, units: Readonly<Record<string, number>>, bareUnit: string): number | undefined {
  const match = AMOUNT.exec(text.trim())
  if (!match) return undefined
  const unit = units[match[2] === '' ? bareUnit : match[2]!.toLowerCase()]
  return unit === undefined ? undefined : Math.round(Number(match[1]) * unit)
}

function whole(value: number | undefined): number | undefined {
  return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

/** Directives that keep a response from others. */
const FORBIDDING = ['private', 'nostore', 'nocache']
const EXACT: ReadonlySet<string> = new Set(['private', 'no-store', 'no-cache'])
/** `private=true`: nobody has a field of that name; the author thought of a switch. */
const SWITCH = /^(?:\d+|true|yes|on|all|\*)$/i

/**
 * Whether a cache directive is likely to be meant for one of those that forbid sharing: `nostore`, `no_cache`, `Privat`,
 * `private=true`. A cache may ignore what it does not know (RFC 9111 §5.2.3), but here it would give one person's page to others.
 * @param name in lower case
 */
export function seemsToForbid(name: string, argument: string | undefined): boolean {
  if (EXACT.has(name)) return name !== 'no-store' && argument !== undefined && SWITCH.test(argument)
  const letters = name.replace(/[^a-z]/g, '')
  return letters.length >= 5 && letters.length <= 9 && FORBIDDING.some(known => isNear(letters, known))
}

/** At most one letter added, left out, changed, or swapped with its neighbour. */
function isNear(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false
  let from = 0
  while (from < a.length && a[from] === b[from]) from++
  let left = 0
  while (left < Math.min(a.length, b.length) - from && a.at(-1 - left) === b.at(-1 - left)) left++
  const [restA, restB] = [a.slice(from, a.length - left), b.slice(from, b.length - left)]
  if (restA.length <= 1 && restB.length <= 1) return true
  return restA.length === 2 && restB.length === 2 && restA[0] === restB[1] && restA[1] === restB[0]
}

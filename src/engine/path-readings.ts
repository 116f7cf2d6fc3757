/** What two readers of a path may disagree about: encoded delimiters, dot segments, empty segments, parameters, backslashes. */
const DOUBTFUL = /%|;|\\|\/\/|\/\.{1,2}(?:\/|$)/

/**
 * The paths that an origin may take this one for: as it stands, decoded (once and twice), cut off at a decoded delimiter, without
 * parameters, with its dot segments resolved. Web cache deception and rules that are gone round both live on the difference.
 */
export function pathReadings(path: string): readonly string[] {
  if (!DOUBTFUL.test(path)) return [path]
  const once = decoded(path)
  const readings = new Set([path])
  for (const text of new Set([path, once, decoded(once)])) {
    for (const cut of [
      text,
      text.split(/[?#\0\r\n]/, 1)[0]!,
      text.split(/[;?#\0\r\n]/, 1)[0]!,
      text.replace(/;[^/]*/g, ''),
    ])
      readings.add(resolved(cut.replaceAll('\\', '/')))
  }
  return [...readings]
}

/** What is no UTF-8, or no escape, stays as it is. */
function decoded(path: string): string {
  return path.replace(/(?:%[0-9a-f]{2})+/gi, escapes => {
    try {
      return decodeURIComponent(escapes)
    } catch {
      return Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('latin1')
    }
  })
}

/** RFC 3986 §5.2.4, and without empty segments, which many servers drop. */
function resolved(path: string): string {
  const out: string[] = []
  const segments = path.split('/')
  for (const segment of segments) {
    if (segment === '..') out.pop()
    else if (segment !== '.' && segment !== '') out.push(segment)
  }
  const isFolder = /\/\.{0,2}$/.test(path) && out.length > 0
  return `/${out.join('/')}${isFolder ? '/' : ''}`
}

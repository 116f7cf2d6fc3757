import { decodeForm, type NoVarySearch } from './no-vary-search.js'

/**
 * The one URL that stands for all that No-Vary-Search says to be the same (IETF draft-ietf-httpbis-no-vary-search, "equivalent modulo
 * URL search variance"): two URLs are the same when these texts are equal. It is itself one of them, fit to be sent to an origin.
 * `url`: absolute, or path and query.
 */
export function simplifiedUrl(url: string, variance: NoVarySearch): string {
  const mark = url.indexOf('?')
  if (mark === -1) return url
  const query = simplifiedQuery(url.slice(mark + 1), variance)
  return query === '' ? url.slice(0, mark) : `${url.slice(0, mark)}?${query}`
}

/** What matters of a query, in the one order and spelling; '' when nothing does. `query` without its `?`. */
export function simplifiedQuery(query: string, variance: NoVarySearch): string {
  const kept: { readonly name: string; readonly text: string }[] = []
  for (const piece of query.split('&')) {
    // A form's parser passes over nothing between two separators.
    if (piece === '') continue
    const equals = piece.indexOf('=')
    const rawName = equals === -1 ? piece : piece.slice(0, equals)
    const rawValue = equals === -1 ? '' : piece.slice(equals + 1)
    const name = decoded(rawName)
    if (!matters(name, variance)) continue
    // With the `=`: there are servers (WMS) that take `STYLES` for another thing than `STYLES=`.
    kept.push({ name, text: `${spelled(rawName, name)}=${spelled(rawValue, decoded(rawValue))}` })
  }
  // By UTF-16 code units, as the draft has it. Stable: parameters of one name keep their order.
  if (variance.ignoreOrder) kept.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  return kept.map(({ text }) => text).join('&')
}

function matters(name: string, { params, except }: NoVarySearch): boolean {
  return params === true ? except.includes(name) : !params.includes(name)
}

const PLAIN = /^[\x21-\x24\x26-\x2a\x2c-\x7e]*$/

function decoded(raw: string): string {
  return PLAIN.test(raw) ? raw : decodeForm(raw)
}

/** What encodeURIComponent escapes though queries carry it as it is: `bbox=1,2`, `layers=a:b`, `$filter=…`. */
const LEFT_AS_IS = /%(?:24|2C|2F|3A|3F|40)/g

/** One spelling for all that decode to the same; what is not UTF-8 stays as it came, for in decoding it would be lost. */
function spelled(raw: string, text: string): string {
  if (text.includes('\ufffd')) return raw
  return encodeURIComponent(text).replace(LEFT_AS_IS, decodeURIComponent)
}

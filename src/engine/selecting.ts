import { isRegistered } from '../http/content-coding.js'
import { fieldValue, type RawFields } from '../http/fields.js'
import type { SelectingField } from '../http/stored-response.js'
import { digestedFields, selectingFields, type GetField } from '../http/vary.js'

/**
 * What a request must have in common with the one that brought this response: what Vary names (RFC 9111 §4.1), what that request had
 * of its own (`own`, see `unkeyedFields`), and, where the body is coded for a client that asked for no coding, that it asks for none.
 */
export function selectingOf(
  vary: readonly string[],
  own: readonly string[],
  fields: RawFields,
  get: GetField,
): readonly SelectingField[] {
  let selecting = selectingFields(vary, get)
  const coding = fieldValue(fields, 'content-encoding')
  if (
    coding !== undefined &&
    !vary.includes('accept-encoding') &&
    get('accept-encoding') === null &&
    isRegistered(coding)
  )
    selecting = [...selecting, { name: 'accept-encoding', value: null }]
  if (own.length === 0) return selecting
  const names = own.filter(name => !vary.includes(name) && !(name === 'origin' && isForAllOrigins(fields)))
  return [...selecting, ...digestedFields(names, get)]
}

/** CORS says that the response is the same for every Origin; `null`, or one that it repeats, is for that one. */
function isForAllOrigins(fields: RawFields): boolean {
  return fieldValue(fields, 'access-control-allow-origin')?.trim() === '*'
}

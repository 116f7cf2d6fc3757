import type { IncomingMessage } from 'node:http'
import { StrataError } from '../../errors.js'

/** Largest request body, bytes. */
export const MAX_BODY = 64 * 1024

/**
 * The request's JSON, whatever its Content-Type says. What a body parser of the application has read already is taken from there.
 * @throws StrataError STRATA_BAD_REQUEST, STRATA_TOO_LARGE
 */
export async function readJson(req: IncomingMessage & { readonly body?: unknown }): Promise<unknown> {
  if (req.readableEnded && req.body !== undefined) {
    const { body } = req
    if (Buffer.isBuffer(body) || typeof body === 'string') return parse(body.toString())
    return body
  }
  const declared = Number(req.headers['content-length'] ?? 0)
  if (declared > MAX_BODY) throw tooLarge()
  const chunks: Buffer[] = []
  let size = 0
  // Destroying the request would take the connection along, and the answer with it.
  for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY) throw tooLarge()
    chunks.push(chunk)
  }
  return parse(Buffer.concat(chunks).toString())
}

function parse(text: string): unknown {
  if (text.trim() === '')
    throw new StrataError('STRATA_BAD_REQUEST', 'a JSON body is needed, e.g. {"tags":["layer:roads"]}')
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new StrataError('STRATA_BAD_REQUEST', 'the body is not valid JSON', { cause })
  }
}

function tooLarge(): StrataError {
  return new StrataError(
    'STRATA_TOO_LARGE',
    `the body is larger than ${MAX_BODY} bytes: split it, or use a tag, a prefix or a pattern`,
  )
}

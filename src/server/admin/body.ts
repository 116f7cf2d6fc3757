import type { IncomingMessage } from 'node:http'
import { StrataError } from '../../errors.js'

/** Largest request body, bytes. */
export const MAX_BODY = 64 * 1024

/**
 * The request's JSON, whatever its Content-Type says. What a body parser of the application has read already is taken from there.
 * @throws StrataError STRATA_BAD_REQUEST, STRATA_TOO_LARGE
 */
export async function readJson(req: IncomingMessage & { readonly body?: unknown }): Promise<unknown> {
  const parsed = parsedBefore(req)
  if (parsed !== undefined && typeof parsed !== 'string' && !Buffer.isBuffer(parsed)) return parsed
  return parse(await readText(req, MAX_BODY))
}

/**
 * The request's body as text; what a body parser of the application has made of it is turned back.
 * @throws StrataError STRATA_TOO_LARGE
 */
export async function readText(
  req: IncomingMessage & { readonly body?: unknown },
  maxBytes: number,
): Promise<string> {
  const parsed = parsedBefore(req)
  if (parsed !== undefined)
    return typeof parsed === 'string' || Buffer.isBuffer(parsed) ? parsed.toString() : JSON.stringify(parsed)
  const declared = Number(req.headers['content-length'] ?? 0)
  if (declared > maxBytes) throw tooLarge(maxBytes)
  const chunks: Buffer[] = []
  let size = 0
  // Destroying the request would take the connection along, and the answer with it.
  for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function parsedBefore(req: IncomingMessage & { readonly body?: unknown }): unknown {
  return req.readableEnded ? req.body : undefined
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

function tooLarge(maxBytes: number): StrataError {
  return new StrataError(
    'STRATA_TOO_LARGE',
    `the body is larger than ${maxBytes} bytes: split it, or use a tag, a prefix or a pattern`,
  )
}

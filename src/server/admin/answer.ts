import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import { isStrataError, StrataError } from '../../errors.js'
import { FaultyRequest, type Fault } from '../../engine/fence/mark-faults.js'
import { refusalHeaders } from '../access/refused.js'

// Only what node:http itself has is used of request and response: the router then works in any Express, and without one.

export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** RFC 9457. `code` is stable; `faults` names everything that is wrong with the request. */
export interface Problem {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly faults?: readonly Fault[]
}

export function sendAnswer(res: ServerResponse, { status, body }: Answer): void {
  send(res, status, 'application/json; charset=utf-8', body, {})
}

/**
 * The error as problem details. What is not ours is answered with 500 and no word about its inside.
 * @returns the status that was sent
 */
export function sendProblem(
  res: ServerResponse,
  thrown: unknown,
  headers: Record<string, string> = {},
): number {
  const error = toStrataError(thrown)
  const problem: Problem = {
    type: 'about:blank',
    title: STATUS_CODES[error.status] ?? 'Error',
    status: error.status,
    detail: error.message,
    code: error.code,
    ...(error instanceof FaultyRequest ? { faults: error.faults } : {}),
  }
  const retry: Record<string, string> = error.status === 503 ? { 'Retry-After': '1' } : {}
  const own = { ...retry, ...refusalHeaders(error), ...headers }
  send(res, error.status, 'application/problem+json', problem, own)
  return error.status
}

function send(
  res: ServerResponse,
  status: number,
  type: string,
  body: unknown,
  headers: Record<string, string>,
): void {
  const bytes = Buffer.from(JSON.stringify(body))
  res.writeHead(status, {
    'Content-Type': type,
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  })
  res.end(bytes)
}

export function toStrataError(thrown: unknown): StrataError {
  if (isStrataError(thrown)) return thrown
  // The router itself raises these for a path that cannot be decoded.
  if (thrown instanceof Error && 'status' in thrown && thrown.status === 400) {
    return new StrataError(
      'STRATA_BAD_REQUEST',
      'the path has an escape that cannot be decoded (% has to be written %25)',
    )
  }
  return new StrataError('STRATA_INTERNAL', 'something went wrong inside; the log has more', {
    cause: thrown,
  })
}

/** The query as it stands in the URL; `allowed` and nothing else, each once. @throws FaultyRequest */
export function readQuery<Name extends string>(
  req: IncomingMessage,
  allowed: readonly Name[],
): Partial<Record<Name, string>> {
  const url = req.url ?? ''
  const at = url.indexOf('?')
  const params = new URLSearchParams(at === -1 ? '' : url.slice(at + 1))
  const faults: Fault[] = []
  const query: Partial<Record<Name, string>> = {}
  for (const name of new Set(params.keys())) {
    const values = params.getAll(name)
    const known = allowed.find(candidate => candidate === name)
    if (known === undefined) {
      const others = allowed.length === 0 ? 'none' : allowed.join(', ')
      faults.push({
        path: name,
        message: `is no parameter here (there are: ${others}); a ? in a path has to be written %3F`,
      })
    } else if (values.length > 1) faults.push({ path: name, message: 'is given more than once' })
    // As if it were not there: `?pattern=&tag=x`.
    else if (values[0] !== '') query[known] = values[0]
  }
  if (faults.length > 0) throw new FaultyRequest(faults)
  return query
}

/** `true`, `1` or nothing after the name. @throws FaultyRequest */
export function readFlag(path: string, value: string | undefined): boolean {
  if (value === undefined || value === 'false' || value === '0') return false
  if (value === 'true' || value === '1') return true
  throw new FaultyRequest([{ path, message: 'must be true or false' }])
}

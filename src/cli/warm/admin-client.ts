import { messageOf, StrataError } from '../../errors.js'

/** The admin routes of a running node. */
export class AdminClient {
  /** @param base such as `http://127.0.0.1:8080/admin/cache` */
  constructor(
    private readonly base: string,
    private readonly token: string | undefined,
  ) {}

  /** @throws StrataError STRATA_BAD_REQUEST with what the node says, STRATA_ORIGIN_UNREACHABLE when it can't be reached */
  async call<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T> {
    const headers: Record<string, string> = { 'content-type': 'application/json' }
    if (this.token !== undefined) headers.authorization = `Bearer ${this.token}`
    let response: Response
    try {
      const content = body === undefined ? {} : { body: JSON.stringify(body) }
      response = await fetch(this.base.replace(/\/$/, '') + path, {
        method,
        headers,
        redirect: 'error',
        ...content,
      })
    } catch (cause) {
      const why =
        cause instanceof Error && cause.cause !== undefined ? messageOf(cause.cause) : messageOf(cause)
      const message = `${this.base} can't be reached (${why}): is strata serve running there? --admin says where it is`
      throw new StrataError('STRATA_ORIGIN_UNREACHABLE', message, { cause })
    }
    const text = await response.text()
    if (!response.ok) throw new StrataError('STRATA_BAD_REQUEST', reasonOf(response.status, text))
    return JSON.parse(text) as T
  }
}

function reasonOf(status: number, text: string): string {
  const hint = status === 401 ? ': give its token by STRATA_ADMIN_TOKEN or --admin-token-file' : ''
  try {
    const { detail } = JSON.parse(text) as { detail?: string }
    return `the node says ${status}: ${detail ?? ''}${hint}`
  } catch {
    return `the node says ${status}, and not as Strata does: is it the path of the admin routes?${hint}`
  }
}

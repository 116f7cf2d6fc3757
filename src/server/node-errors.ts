/** Errors of node:http, code for code: handlers and their libraries tell them apart by it. */

/** A write to a response that is over. @param ended by its handler, else by its connection */
export function afterEnd(ended: boolean): Error {
  return ended
    ? coded(new Error('write after end'), 'ERR_STREAM_WRITE_AFTER_END')
    : coded(new Error('Cannot call write after a stream was destroyed'), 'ERR_STREAM_DESTROYED')
}

export function headersSent(method: string): Error {
  return coded(
    new Error(`Cannot ${method} headers after they are sent to the client`),
    'ERR_HTTP_HEADERS_SENT',
  )
}

export function invalidStatus(status: unknown): Error {
  return coded(new RangeError(`Invalid status code: ${String(status)}`), 'ERR_HTTP_INVALID_STATUS_CODE')
}

export function coded(error: Error, code: string): Error {
  return Object.assign(error, { code })
}

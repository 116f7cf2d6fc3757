import { isStrataError, type StrataError } from '../errors.js'
import type { FlowControl, OriginSink, ResponseHead } from './origin.js'
import type { RawFields } from './ports/index.js'

/** The clean end of an answer. */
export const END: unique symbol = Symbol('end')

/** One step of an origin's answer as a value: it can wait in a list, and needs no closure to be told later. */
export type OriginEvent =
  { readonly status: number; readonly fields: RawFields } | ResponseHead | Buffer | StrataError | typeof END

/** @param flow the one of the answer's head */
export function tell(sink: OriginSink, event: OriginEvent, flow: FlowControl): void {
  if (event === END) sink.onEnd()
  else if (ArrayBuffer.isView(event)) sink.onData(event)
  else if (isStrataError(event)) sink.onFailure(event)
  else if ('delimited' in event) sink.onHead(event, flow)
  else sink.onInterim(event.status, event.fields)
}

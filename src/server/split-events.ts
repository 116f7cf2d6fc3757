import { EventEmitter } from 'node:events'
import type { TwoViews } from './two-views.js'

const LISTENER_METHODS = [
  'on',
  'addListener',
  'once',
  'prependListener',
  'prependOnceListener',
  'off',
  'removeListener',
  'listenerCount',
  'listeners',
  'rawListeners',
] as const

/**
 * Gives handlers an emitter of their own for the events `names` of `target`: what happens to the client's side is not what happens
 * to theirs. Listeners that were there before stay the client's.
 */
export function splitEvents(
  target: EventEmitter,
  views: TwoViews,
  names: ReadonlySet<string | symbol>,
): EventEmitter {
  const own = new EventEmitter()
  own.setMaxListeners(0)
  const native = target as unknown as Record<string, (...args: unknown[]) => unknown>
  const split = own as unknown as Record<string, (...args: unknown[]) => unknown>
  for (const name of LISTENER_METHODS) {
    const before = native[name]!
    views.method(name, (event, ...rest) => {
      const result = names.has(event as string)
        ? split[name]!(event, ...rest)
        : before.call(target, event, ...rest)
      return result === own ? target : result
    })
  }
  const removeAll = native.removeAllListeners!
  views.method('removeAllListeners', event => {
    // Without a name all go: but only the handlers' own, for node itself and those before us listen too.
    if (event === undefined || names.has(event as string)) own.removeAllListeners(event as string | undefined)
    else removeAll.call(target, event)
    return target
  })
  return own
}

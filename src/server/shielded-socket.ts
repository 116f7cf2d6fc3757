import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'

/** What a handler does to the connection, and what it sees of its end. */
export interface SocketShield {
  /** True while the handler is to go on, whatever becomes of its client. */
  isOpen(): boolean
  /** The handler breaks the connection off. False: the shield leaves that to the socket itself. */
  onDestroy(error: Error | undefined): boolean
}

const SPLIT = new Set(['close', 'error'])
const LISTENER_METHODS = new Set([
  'on',
  'addListener',
  'once',
  'prependListener',
  'prependOnceListener',
  'off',
  'removeListener',
])
const ENDING = new Set(['destroy', 'destroySoon', 'resetAndDestroy', 'end'])

/**
 * The connection as handlers see it. Libraries watch it to learn that nobody waits any more (on-finished, in `res.sendFile`) and
 * destroy it to break an answer off (finalhandler, when a handler fails after the head): the first must not stop an answer that
 * others wait for, the second must cut them all, and not the next request on the same connection.
 * @returns the socket behind a proxy, and the emitter of what handlers are told of its end
 */
export function shieldSocket(
  socket: Socket,
  shield: SocketShield,
): { readonly socket: Socket; readonly events: EventEmitter } {
  const events = new EventEmitter()
  events.setMaxListeners(0)
  const methods = new Map<PropertyKey, unknown>()
  const proxy: Socket = new Proxy(socket, {
    get(target, name) {
      if (name === 'writable' && shield.isOpen()) return true
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function' || name === 'constructor') return value
      let method = methods.get(name)
      if (method === undefined) {
        method = methodOf(name, value as Method)
        methods.set(name, method)
      }
      return method
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  })

  function methodOf(name: PropertyKey, value: Method): Method {
    const text = String(name)
    if (LISTENER_METHODS.has(text)) {
      const own = (events as unknown as Record<string, Method>)[text]!
      return (event, ...rest) => {
        if (SPLIT.has(event as string)) own.call(events, event, ...rest)
        else value.call(socket, event, ...rest)
        return proxy
      }
    }
    if (ENDING.has(text)) {
      return (...args) => {
        if (shield.onDestroy(args[0] instanceof Error ? args[0] : undefined)) return proxy
        return value.apply(socket, args)
      }
    }
    return (...args) => {
      const result = value.apply(socket, args)
      return result === socket ? proxy : result
    }
  }

  return { socket: proxy, events }
}

type Method = (...args: unknown[]) => unknown

type Method = (...args: unknown[]) => unknown

/**
 * One object that is seen in two ways: by node and by whoever wrapped it before us (the client's view), and by the handlers behind
 * us. The object has to stay the very one that Express handed out, so its own properties tell the two apart.
 */
export class TwoViews {
  readonly #target: Record<string, unknown>
  #client = 0

  constructor(target: object) {
    this.#target = target as Record<string, unknown>
  }

  /** Runs with the object as it was before it had two views. */
  asClient<R>(run: () => R): R {
    this.#client++
    try {
      return run()
    } finally {
      this.#client--
    }
  }

  /** `handler` in place of the method `name`, for handlers; nothing happens where the object has no such method. */
  method(name: string, handler: Method): void {
    const target = this.#target
    const before = target[name]
    if (typeof before !== 'function') return
    const value: Method = (...args) =>
      this.#client > 0 ? (before as Method).apply(target, args) : handler(...args)
    Object.defineProperty(target, name, { value, writable: true, configurable: true })
  }

  /**
   * What handlers read under `name`, made from what node has there. What is assigned goes to `set`, or without one to node's own
   * property: nobody but node assigns those.
   */
  property<V>(name: string, get: (native: V) => V, set?: (value: V) => void): void {
    const native = this.#nativeProperty<V>(name)
    Object.defineProperty(this.#target, name, {
      configurable: true,
      enumerable: true,
      get: () => (this.#client > 0 ? native.get() : get(native.get())),
      set: (value: V) => (this.#client > 0 || set === undefined ? native.set(value) : set(value)),
    })
  }

  #nativeProperty<V>(name: string): { get: () => V; set: (value: V) => void } {
    const target = this.#target
    const described = describe(target, name)
    if (described?.get !== undefined || described?.set !== undefined) {
      return {
        get: () => described.get?.call(target) as V,
        set: value => described.set?.call(target, value),
      }
    }
    let held = target[name] as V
    return {
      get: () => held,
      set: value => {
        held = value
      },
    }
  }
}

function describe(target: object, name: string): PropertyDescriptor | undefined {
  for (let at: object | null = target; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const found = Object.getOwnPropertyDescriptor(at, name)
    if (found !== undefined) return found
  }
  return undefined
}

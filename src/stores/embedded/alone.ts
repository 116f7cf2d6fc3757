/** How often it looks for others, ms; this is about what a process waits for that opens the file of one that was alone. */
const LOOK_MS = 100
/** For how long a look holds, ms: some times longer, so that a busy event loop does not end it. */
const HOLDS_MS = 400

export interface Surroundings {
  /** Says to the others whether this store relies on being alone. */
  say(word: string): void
  /** Whether another has the file open, or is about to. */
  others(): boolean
}

export interface Grace {
  mayLast(): boolean
}

/**
 * Whether a store is the only one that has its file open: then what it has read of it holds until it writes itself, and a hit need not
 * look into the file (P1 is about what others have acknowledged, and there are none).
 *
 * A lease, as the one of nodes on Redis: who opens the file waits until each store that says it is alone has taken that back, or until
 * its last look is too old to hold. A process that stands still in between finds its term at an end when it goes on.
 */
export class Alone {
  static readonly YES = '1'
  static readonly NO = '0'
  /** The stores of this thread: they can be told at once. */
  static readonly #here = new Map<string, Set<Alone>>()

  #until = -Infinity
  #term = 0
  #said = false
  #timer: NodeJS.Timeout | undefined

  constructor(
    private readonly database: string,
    private readonly surroundings: Surroundings,
  ) {
    const here = Alone.#here.get(database) ?? new Set()
    for (const other of here) other.#end()
    Alone.#here.set(database, here.add(this))
  }

  /** For how long somebody who begins to open the file now has to mind what stores say. */
  static grace(): Grace {
    const until = performance.now() + HOLDS_MS
    return { mayLast: () => performance.now() <= until }
  }

  get term(): number | undefined {
    return performance.now() < this.#until ? this.#term : undefined
  }

  watch(): void {
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#until = -Infinity
    const here = Alone.#here.get(this.database)
    here?.delete(this)
    if (here?.size === 0) Alone.#here.delete(this.database)
  }

  #look(): void {
    const at = performance.now()
    if (at >= this.#until) this.#term++
    try {
      if (this.surroundings.others()) return this.#end()
      if (this.#said) this.#until = at + HOLDS_MS
      else {
        // It holds from the next look on, if nobody is there then: who comes from now on will see it.
        this.surroundings.say(Alone.YES)
        this.#said = true
      }
    } catch {
      // What can't be known is not relied on; the next look may know it. A file system that fails is told by those who write to it.
      this.#until = -Infinity
    }
  }

  #end(): void {
    this.#until = -Infinity
    if (this.#said) this.surroundings.say(Alone.NO)
    this.#said = false
  }
}

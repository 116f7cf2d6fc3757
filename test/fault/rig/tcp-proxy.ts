import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** What a link does to what passes; `up` is from the client to the server. */
export interface LinkFault {
  readonly latencyMs?: number
  /** Nothing passes, and nothing is closed. */
  readonly stall?: 'up' | 'down' | 'both'
  /** So many bytes still pass (both ways together), then both sides are reset. */
  readonly cutAfter?: number
  /** New connections are reset. */
  readonly refuse?: boolean
}

export interface Target {
  readonly host: string
  readonly port: number
}

export interface TcpProxyOptions {
  /** Sees what comes down, and may put something of the same length in its place. */
  readonly rewrite?: (chunk: Buffer) => Buffer
}

export interface TcpProxy {
  readonly port: number
  /** Takes the place of the fault before; `{}` heals. */
  set(fault: LinkFault): void
  /** Nothing passes any more on the connections of now, and nothing closes them; new ones are whole. */
  stallKept(): void
  /** Resets all connections of now. */
  reset(): void
  /** New connections go there. */
  aim(target: Target): void
  stop(): Promise<void>
}

/** A link between a node and a server, whose faults can be switched at run time. */
export async function startTcpProxy(first: Target, options: TcpProxyOptions = {}): Promise<TcpProxy> {
  let target = first
  const links = new Set<Link>()
  let fault: LinkFault = {}
  const server = createServer(client => {
    if (fault.refuse === true) return void client.resetAndDestroy()
    const link = new Link(client, connect(target), options, () => links.delete(link))
    links.add(link)
    link.set(fault)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    set(next) {
      fault = next
      for (const link of links) link.set(next)
    },
    stallKept: () => links.forEach(link => link.set({ stall: 'both' })),
    reset: () => [...links].forEach(link => link.reset()),
    aim: next => (target = next),
    async stop() {
      for (const link of links) link.reset()
      server.close()
      await once(server, 'close')
    },
  }
}

class Link {
  #fault: LinkFault = {}
  #left = Infinity
  #over = false
  readonly #lanes: Lane[]

  constructor(
    private readonly client: Socket,
    private readonly upstream: Socket,
    private readonly options: TcpProxyOptions,
    private readonly onOver: () => void,
  ) {
    this.#lanes = [new Lane(client, upstream, this, 'up'), new Lane(upstream, client, this, 'down')]
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true)
      // A link that breaks is what the node is to live with; the other side is told by the reset.
      socket.on('error', () => this.reset())
      socket.on('close', () => this.reset())
    }
  }

  set(fault: LinkFault): void {
    this.#fault = fault
    this.#left = fault.cutAfter ?? Infinity
    for (const lane of this.#lanes) lane.flush()
  }

  stalls(direction: 'up' | 'down'): boolean {
    return this.#fault.stall === 'both' || this.#fault.stall === direction
  }

  get latencyMs(): number {
    return this.#fault.latencyMs ?? 0
  }

  /** What comes down, as the client is to see it. */
  shown(chunk: Buffer, direction: 'up' | 'down'): Buffer {
    return direction === 'down' && this.options.rewrite !== undefined ? this.options.rewrite(chunk) : chunk
  }

  /** What of it may pass. */
  allow(chunk: Buffer): Buffer {
    const passing = chunk.subarray(0, Math.max(0, Math.min(chunk.length, this.#left)))
    this.#left -= chunk.length
    return passing
  }

  get cut(): boolean {
    return this.#left < 0
  }

  reset(): void {
    if (this.#over) return
    this.#over = true
    this.onOver()
    for (const socket of [this.client, this.upstream]) {
      // While its FIN is on the way libuv refuses to reset a socket, and Node then never closes it.
      if (socket.writableEnded) socket.destroy()
      else socket.resetAndDestroy()
    }
  }
}

/** One direction: keeps the order, however long each chunk is held back. */
class Lane {
  readonly #waiting: { readonly chunk: Buffer; readonly due: number }[] = []
  #timer: NodeJS.Timeout | undefined
  #ended = false

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private readonly link: Link,
    private readonly direction: 'up' | 'down',
  ) {
    from.on('data', (chunk: Buffer) => {
      this.#waiting.push({ chunk, due: performance.now() + link.latencyMs })
      this.flush()
    })
    from.on('end', () => {
      this.#ended = true
      this.flush()
    })
    to.on('drain', () => from.resume())
  }

  flush(): void {
    clearTimeout(this.#timer)
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.link.stalls(this.direction)) return
      const early = Math.min(next.due - performance.now(), this.link.latencyMs)
      if (early > 0) {
        this.#timer = setTimeout(() => this.flush(), early)
        return
      }
      this.#waiting.shift()
      if (this.to.destroyed) return
      const passing = this.link.allow(this.link.shown(next.chunk, this.direction))
      if (passing.length > 0 && !this.to.write(passing)) this.from.pause()
      if (this.link.cut) return this.link.reset()
    }
    if (this.#ended && !this.link.stalls(this.direction)) this.to.end()
  }
}

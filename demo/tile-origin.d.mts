export interface TileOrigin {
  readonly port: number
  readonly url: string
  /** Requests so far. */
  requests(): number
  close(): Promise<void>
}

/** Starts the slow tile origin of the demo. `port` 0: any that is free; `delayMs`: how long each tile takes. */
export function startTileOrigin(options?: {
  port?: number
  host?: string
  delayMs?: number
}): Promise<TileOrigin>

import type { Share } from '../../engine/operator/share.js'
import type { ToWorker } from './messages.js'

/** Shorter than a worker's own patience, so that it hears of those who did answer, ms. */
const PATIENCE_MS = 500

interface Listener {
  readonly id: number
  send(message: ToWorker): unknown
}

/** Asks all other workers what they have to tell, and gives it to the one who wanted to know. */
export class ShareRounds {
  readonly #open = new Map<string, { missing: Set<number>; shares: Share[]; end: () => void }>()

  begin(asker: Listener, id: number, others: readonly Listener[]): void {
    const name = `${asker.id}:${id}`
    const round = {
      missing: new Set(others.map(other => other.id)),
      shares: [] as Share[],
      end: () => {
        clearTimeout(timer)
        if (this.#open.delete(name)) asker.send({ strata: 'shares', id, shares: round.shares })
      },
    }
    const timer = setTimeout(round.end, PATIENCE_MS)
    this.#open.set(name, round)
    for (const other of others) other.send({ strata: 'tell-share', id: name })
    if (others.length === 0) round.end()
  }

  answer(worker: number, name: string, share: Share): void {
    const round = this.#open.get(name)
    if (round?.missing.delete(worker) !== true) return
    round.shares.push(share)
    if (round.missing.size === 0) round.end()
  }
}

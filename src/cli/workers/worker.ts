import type { Share } from '../../engine/operator/share.js'
import type { ToPrimary, ToWorker } from './messages.js'

/** Longest wait for what the other workers have to tell, ms: one that is busy is left out. */
const PATIENCE_MS = 1000

/** A worker's line to its primary process. */
export interface WorkerLine {
  /** What all other workers have to tell. */
  readonly siblings: () => Promise<readonly Share[]>
  /** Resolves when this worker is to end; `gently` when another has taken its place. */
  readonly stop: Promise<{ readonly gently: boolean }>
  /** It listens; from now on others are told this. */
  ready(share: () => Share): void
}

/** To be called once, in a worker process. */
export function workerLine(own: NodeJS.Process = process): WorkerLine {
  const asked = new Map<number, (shares: readonly Share[]) => void>()
  let ids = 0
  let share: (() => Share) | undefined
  let onStop!: (how: { gently: boolean }) => void
  const stop = new Promise<{ gently: boolean }>(resolve => {
    onStop = resolve
  })
  const say = (message: ToPrimary) => void (own.connected && own.send!(message))
  own.on('message', (message: ToWorker) => {
    switch (message.strata) {
      case 'stop':
        return onStop(message)
      case 'tell-share':
        return void (share && say({ strata: 'share', id: message.id, share: share() }))
      case 'shares':
        return asked.get(message.id)?.(message.shares)
    }
  })
  // The terminal sends SIGINT and SIGHUP to all of the group; what is to be done is the primary's to say.
  own.on('SIGINT', () => undefined).on('SIGHUP', () => undefined)
  own.on('SIGTERM', () => onStop({ gently: false }))
  // Without its primary, nobody would ever stop it.
  own.on('disconnect', () => onStop({ gently: false }))
  return {
    stop,
    siblings: () =>
      new Promise(resolve => {
        const id = ++ids
        const end = (shares: readonly Share[]) => {
          clearTimeout(timer)
          asked.delete(id)
          resolve(shares)
        }
        const timer = setTimeout(() => end([]), PATIENCE_MS)
        asked.set(id, end)
        say({ strata: 'ask-shares', id })
      }),
    ready: tell => {
      share = tell
      say({ strata: 'ready' })
    },
  }
}

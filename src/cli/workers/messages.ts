import type { Share } from '../../engine/operator/share.js'

/** What a worker says to the primary process. */
export type ToPrimary =
  /** It listens. */
  | { readonly strata: 'ready' }
  /** It wants to know what all others have to tell. */
  | { readonly strata: 'ask-shares'; readonly id: number }
  | { readonly strata: 'share'; readonly id: string; readonly share: Share }

/** What the primary process says to a worker. */
export type ToWorker =
  /** Ends as SIGTERM would; `gently`: another has taken its place, and no client must notice. */
  | { readonly strata: 'stop'; readonly gently: boolean }
  | { readonly strata: 'tell-share'; readonly id: string }
  | { readonly strata: 'shares'; readonly id: number; readonly shares: readonly Share[] }

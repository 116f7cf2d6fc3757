import type { FenceState, MarksPage } from '../../engine/ports/index.js'
import type { Tables } from './tables.js'

type Fence = Pick<Tables<unknown>, 'log' | 'marks'>

export function raiseFence({ log, marks: markLog }: Fence, marks: readonly string[]): FenceState {
  const state = log.get()
  const seq = state.seq + 1
  markLog.append(seq, marks)
  log.set({ ...state, seq, markCount: state.markCount + marks.length })
  return { epoch: state.epoch, seq }
}

export function readMarks({ log, marks }: Fence, after: number, limit: number): MarksPage {
  const { epoch, seq, floor, retired } = log.get()
  return { fence: { epoch, seq }, marks: marks.after(after, limit), floor, retired }
}

/** A step that lands late moves nothing back. */
export function retire({ log, marks }: Fence, upTo: number, fold: boolean): void {
  const state = log.get()
  log.set({
    ...state,
    retired: Math.max(state.retired, upTo),
    floor: fold ? Math.max(state.floor, upTo) : state.floor,
    markCount: state.markCount - marks.dropUpTo(upTo),
  })
}

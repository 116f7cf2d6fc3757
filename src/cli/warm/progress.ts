import cliProgress from 'cli-progress'
import type { WarmView } from '../../engine/warm/tally.js'

/** Tells somebody how far a job is. */
export interface Progress {
  show(state: string, warm: WarmView): void
  end(): void
}

const LINE_EVERY_MS = 10_000

/** A bar in a terminal; elsewhere a line now and then. */
export function progressOn(stream: NodeJS.WriteStream, line: (text: string) => void): Progress {
  return stream.isTTY ? bar(stream) : lines(line)
}

function bar(stream: NodeJS.WriteStream): Progress {
  const single = new cliProgress.SingleBar({
    stream,
    format: (options, params, { state, warm }: { state: string; warm: WarmView | undefined }) =>
      warm === undefined
        ? state
        : `${cliProgress.Format.BarFormat(params.progress, options)} ${text(state, warm)}`,
    barsize: 24,
    hideCursor: true,
    clearOnComplete: false,
  })
  let isBegun = false
  return {
    show: (state, warm) => {
      if (!isBegun) single.start(warm.total, warm.done, { state, warm })
      else single.update(warm.done, { state, warm })
      isBegun = true
    },
    end: () => single.stop(),
  }
}

function lines(line: (text: string) => void): Progress {
  let last = ''
  let at = -Infinity
  return {
    show: (state, warm) => {
      const now = performance.now()
      if (state === last && now - at < LINE_EVERY_MS) return
      last = state
      at = now
      line(text(state, warm))
    },
    end: () => {},
  }
}

function text(
  state: string,
  { total, done, hits, fetched, absent, failed, rate, etaSeconds }: WarmView,
): string {
  const percent = total === 0 ? 100 : Math.floor((100 * done) / total)
  const eta = etaSeconds === null ? 'unknown' : `${etaSeconds} s`
  const others = absent === 0 ? '' : `, absent ${absent}`
  return `${state} ${percent} % (${done} of ${total}), ${rate}/s, left ${eta}: hit ${hits}, fetched ${fetched}${others}, failed ${failed}`
}

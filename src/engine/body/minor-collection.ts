import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

type Collector = (options: { readonly type: 'minor' }) => void

/**
 * V8's minor collection, as a function. New contexts have it where the process was started with `--expose-gc`: for others the flag is on
 * for as long as it takes to make one, and what that one has goes on working (v8.setFlagsFromString). Undefined where V8 gives none.
 */
export function minorCollection(): (() => void) | undefined {
  const collect = inNewContext() ?? exposed()
  return typeof collect === 'function' ? () => (collect as Collector)({ type: 'minor' }) : undefined
}

function exposed(): unknown {
  setFlagsFromString('--expose-gc')
  try {
    return inNewContext()
  } finally {
    setFlagsFromString('--no-expose-gc')
  }
}

function inNewContext(): unknown {
  return runInNewContext('globalThis.gc')
}

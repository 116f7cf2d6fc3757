import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

type Collector = (options: { readonly type: 'minor' }) => void

/**
 * V8's minor collection, as a function. Node has it for whoever was started with `--expose-gc`: for others the flag is on for as long as
 * it takes to make one context, and what that one has goes on working (v8.setFlagsFromString). Undefined where V8 gives none.
 */
export function minorCollection(): (() => void) | undefined {
  const collect = (globalThis as { gc?: unknown }).gc ?? exposed()
  return typeof collect === 'function' ? () => (collect as Collector)({ type: 'minor' }) : undefined
}

function exposed(): unknown {
  setFlagsFromString('--expose-gc')
  try {
    return runInNewContext('globalThis.gc')
  } finally {
    setFlagsFromString('--no-expose-gc')
  }
}

import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createStrata } from '../../src/index.js'
import type { Strata } from '../../src/compose.js'
import type { StrataOptions } from '../../src/config/index.js'

const closing: (() => unknown)[] = []

/** Closes all that was opened here, last first; for `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const close of closing.splice(0).reverse()) await close()
}

export function onClose(close: () => unknown): void {
  closing.push(close)
}

/** A cache on the memory backend, quiet unless something is wrong. */
export async function openStrata(options: StrataOptions = {}): Promise<Strata> {
  const strata = await createStrata({ backend: 'memory', log: { level: 'silent' }, ...options })
  closing.push(() => strata.close())
  return strata
}

/** Serves on a free port until `closeAll`. */
export async function listen(listener: RequestListener): Promise<number> {
  const server = createServer(listener as (req: IncomingMessage, res: ServerResponse) => void)
  closing.push(() => {
    server.closeAllConnections()
    return new Promise<void>(resolve => server.close(() => resolve()))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** Waits until `isSo` holds; fails with `what` after thirty seconds. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 30_000
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`in thirty seconds it did not happen that ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

/** A promise with its keys outside. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = () => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { opened, open }
}

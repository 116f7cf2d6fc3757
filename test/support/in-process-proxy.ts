import { loadConfig, type StrataOptions } from '../../src/config/index.js'
import { serve } from '../../src/compose.js'

export interface InProcessProxy {
  readonly port: number
  readonly base: string
  close(): Promise<void>
}

/** The standalone proxy in this process, on a free port, on the memory store unless told otherwise. It logs nothing. */
export async function startInProcessProxy(
  options: StrataOptions & { readonly origin: string },
): Promise<InProcessProxy> {
  const config = loadConfig({
    options: {
      backend: 'memory',
      port: 0,
      ...options,
      log: { level: 'silent', access: false, ...options.log },
    },
  })
  const { addresses, close } = await serve(config)
  const { port } = addresses[0]!
  return { port, base: `http://127.0.0.1:${port}`, close }
}

/** Runs `attempt` until it gives a value; the test's own time limit ends it. For what happens in the background. */
export async function eventually<T>(
  attempt: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  for (;;) {
    const found = await attempt()
    if (found !== undefined && found !== false) return found
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

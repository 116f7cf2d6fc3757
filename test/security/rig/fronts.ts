import express from 'express'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createStrata } from '../../../src/index.js'
import type { StrataOptions } from '../../../src/config/index.js'
import { startInProcessProxy } from '../../support/in-process-proxy.js'
import { makeReflector, serveOn, type Reflector, type Seen } from './reflector.js'

export const KINDS = ['proxy', 'middleware'] as const
export type Kind = (typeof KINDS)[number]

/** What clients talk to: Strata before a reflector. */
export interface Front {
  readonly port: number
  /** What has come to the origin so far. */
  readonly seen: readonly Seen[]
  close(): Promise<void>
}

type Options = Omit<StrataOptions, 'origin'>

export async function open(
  kind: Kind,
  options: Options = {},
  reflector: Reflector = makeReflector(),
): Promise<Front> {
  return kind === 'proxy' ? openProxy(options, reflector) : openMiddleware(options, reflector)
}

async function openProxy(options: Options, { listener, seen }: Reflector): Promise<Front> {
  const origin = await serveOn(listener)
  const proxy = await startInProcessProxy({ origin: `http://127.0.0.1:${origin.port}`, ...options })
  return {
    port: proxy.port,
    seen,
    close: async () => {
      await proxy.close()
      await origin.close()
    },
  }
}

async function openMiddleware(options: Options, { listener, seen }: Reflector): Promise<Front> {
  const app = express()
  const { close, port } = await openApp(options, app, () => app.use((req, res) => listener(req, res)))
  return { port, seen, close }
}

/** An Express app with Strata in front of what `mount` puts behind it. */
export async function openApp(
  options: Options,
  app: express.Express,
  mount: () => void,
): Promise<{ port: number; close(): Promise<void> }> {
  const strata = await createStrata({ backend: 'memory', log: { level: 'silent' }, ...options })
  app.disable('x-powered-by')
  app.use(strata.middleware())
  mount()
  const server = createServer(app as (req: IncomingMessage, res: ServerResponse) => void)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections()
      await new Promise<void>(resolve => server.close(() => resolve()))
      await strata.close()
    },
  }
}

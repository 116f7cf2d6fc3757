import cluster from 'node:cluster'
import { pino } from 'pino'
import type { ConfigSources, StrataConfig } from '../config/index.js'
import { ConfigError, loadConfig } from '../config/index.js'
import type { Output } from './output.js'
import { workerLine } from './workers/worker.js'

/** What can go wrong with an address, and what to do. */
const LISTEN_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use: choose another with --port, or --port 0 for any that is free',
  EACCES: 'may not be opened by this user: choose one above 1023 with --port',
  EADDRNOTAVAIL: 'is no address of this machine: choose another with --host',
  ENOTFOUND: 'is no known host name: choose another with --host',
}

/**
 * Runs the proxy (with `workers`, so many of it) until SIGTERM or SIGINT, then lets running requests end; a second signal exits at once.
 * @returns exit code
 * @throws ConfigError before anything listens
 */
export async function serveCommand(sources: ConfigSources, output: Pick<Output, 'err'>): Promise<number> {
  const config = loadConfig(sources)
  if (config.origin === undefined) {
    const message =
      'is needed by strata serve: --origin http://127.0.0.1:9000 (or STRATA_ORIGIN, or in the file)'
    throw new ConfigError([{ path: 'origin', message }])
  }
  if (config.workers !== undefined && cluster.isPrimary) {
    const { runWorkers } = await import('./workers/primary.js')
    return runWorkers(config.workers, pino({ level: config.log.level }))
  }
  // Signals first: one that comes while the stores connect must not be lost.
  const line = cluster.isWorker ? workerLine() : undefined
  const stop = line?.stop ?? firstSignal()
  const { serve } = await import('../compose.js')
  let running: Awaited<ReturnType<typeof serve>>
  try {
    running = await serve(config, line?.siblings)
  } catch (error) {
    const advice = listenAdvice(error, config)
    if (advice === undefined) throw error
    output.err(`strata: ${advice}\n`)
    process.exit(1)
  }
  line?.ready(() => running.share())
  const { gently } = await stop
  await running.close(gently)
  // What a library may still hold open (a socket, a timer) must not keep a drained process alive.
  process.exit(0)
}

function firstSignal(): Promise<{ gently: boolean }> {
  return new Promise(resolve => {
    let seen = 0
    const onSignal = (_signal: NodeJS.Signals, number: number) => {
      if (++seen > 1) process.exit(128 + number)
      resolve({ gently: false })
    }
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  })
}

function listenAdvice(error: unknown, { host, port, admin }: StrataConfig): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code, syscall, port: failed } = at as NodeJS.ErrnoException & { port?: number }
    if (code === undefined || (syscall !== 'listen' && syscall !== 'getaddrinfo')) continue
    const advice = LISTEN_ERRORS[code]
    if (advice === undefined) return undefined
    // The admin routes listen first.
    const isAdmin = admin.port !== undefined && (failed === admin.port || (failed ?? port) !== port)
    if (!isAdmin) return `${host}, port ${port}, ${advice}`
    return `${admin.host}, port ${admin.port}, ${advice.replaceAll(/--(port|host)/g, '--admin-$1')}`
  }
  return undefined
}

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'

export interface RedisServerOptions {
  /** Without it one that is free. */
  readonly port?: number
  /** Further arguments, e.g. `['--maxmemory', '1mb']`. */
  readonly args?: readonly string[]
  /** Kept over `restart` when true (append-only file); by default a restarted server is empty. */
  readonly persist?: boolean
}

export interface RedisServer {
  readonly url: string
  readonly port: number
  /** Of the process that runs now. */
  readonly pid: number
  stop(): Promise<void>
  /** SIGSTOP: connections stay open, nothing is answered. */
  pause(): void
  resume(): void
  /** SIGKILL and a new process on the same port. */
  restart(): Promise<void>
}

export interface RedisCluster {
  readonly nodes: readonly { readonly host: string; readonly port: number }[]
  readonly servers: readonly RedisServer[]
  stop(): Promise<void>
}

/**
 * A real redis-server on a free port of 127.0.0.1.
 * @throws Error that says how to get redis-server when it is not there.
 */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const dir = await mkdtemp(join(tmpdir(), 'strata-redis-'))
  const port = options.port ?? (await freePort())
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    dir,
    '--save',
    '',
    '--daemonize',
    'no',
  ]
  args.push(
    '--appendonly',
    options.persist ? 'yes' : 'no',
    '--appendfsync',
    'always',
    ...(options.args ?? []),
  )
  let child = await run(args, port)
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return child.pid!
    },
    async stop() {
      await kill(child)
      await rm(dir, { recursive: true, force: true })
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async restart() {
      await kill(child)
      child = await run(args, port)
    },
  }
}

/** Three primaries without replicas that hold all slots between them. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']
  const buses = await Promise.all([0, 1, 2].map(freePort))
  const servers = await Promise.all(
    buses.map(bus => startRedis({ args: [...args, '--cluster-port', String(bus)] })),
  )
  const clients = servers.map(({ port }) => new Redis(port, '127.0.0.1', { protocol: 2 }))
  try {
    const bounds = [0, 5461, 10923, 16384]
    for (const [i, client] of clients.entries()) {
      await client.call('CLUSTER', 'ADDSLOTSRANGE', String(bounds[i]), String(bounds[i + 1]! - 1))
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1))
    }
    for (const [i, { port }] of servers.entries()) {
      if (i > 0) await clients[0]!.call('CLUSTER', 'MEET', '127.0.0.1', String(port), String(buses[i]))
    }
    await Promise.all(clients.map(whole))
  } finally {
    for (const client of clients) client.disconnect()
  }
  return {
    nodes: servers.map(({ port }) => ({ host: '127.0.0.1', port })),
    servers,
    stop: async () => void (await Promise.all(servers.map(server => server.stop()))),
  }
}

async function whole(client: Redis): Promise<void> {
  let info = ''
  for (let i = 0; i < 400; i++) {
    info = String(await client.call('CLUSTER', 'INFO'))
    if (info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3')) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error(`the test cluster did not come up:\n${info}`)
}

async function run(args: readonly string[], port: number): Promise<ChildProcess> {
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', text => (output = (output + String(text)).slice(-4000)))
  child.stderr.on('data', text => (output = (output + String(text)).slice(-4000)))
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'ENOENT'
          ? new Error('these tests need a real redis-server in the PATH: apt-get install redis-server')
          : error,
      ),
    )
    child.once('exit', code => reject(new Error(`redis-server ended with ${code}:\n${output}`)))
  })
  await Promise.race([failed, answers(port)])
  failed.catch(() => undefined) // it ends some day: that is no fault any more
  return child
}

async function answers(port: number): Promise<void> {
  const client = new Redis(port, '127.0.0.1', {
    lazyConnect: true,
    protocol: 2,
    maxRetriesPerRequest: null,
    retryStrategy: () => 20,
  })
  client.on('error', () => undefined) // refused until the server listens
  try {
    await client.ping()
  } finally {
    client.disconnect()
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

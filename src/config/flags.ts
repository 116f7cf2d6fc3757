/** The flags of `strata serve`: the settings that people change most; every setting can be set by file and environment. */
export interface Flag {
  /** Name without the dashes. */
  readonly name: string
  /** The setting. */
  readonly path: string
  /** What stands for the value in the help; without it the flag takes no value and means `value`. */
  readonly argument?: string
  readonly value?: boolean
  /** The argument names a file that holds the value. */
  readonly fromFile?: boolean
  readonly help: string
}

export const FLAGS: readonly Flag[] = [
  { name: 'origin', path: 'origin', argument: 'url', help: 'where responses come from' },
  { name: 'port', path: 'port', argument: 'number', help: 'port to listen on, 0 for any that is free' },
  { name: 'host', path: 'host', argument: 'address', help: 'address to listen on' },
  {
    name: 'workers',
    path: 'workers',
    argument: 'number',
    help: 'processes that share the port; SIGHUP reloads them',
  },
  { name: 'backend', path: 'backend', argument: 'name', help: 'memory, embedded, redis or s3-redis' },
  { name: 'redis-url', path: 'redis.url', argument: 'url', help: 'Redis server' },
  { name: 's3-bucket', path: 's3.bucket', argument: 'name', help: 'bucket for bodies' },
  { name: 's3-endpoint', path: 's3.endpoint', argument: 'url', help: 'S3-compatible server' },
  { name: 's3-region', path: 's3.region', argument: 'name', help: 'region of the bucket' },
  { name: 'data-dir', path: 'dataDir', argument: 'folder', help: 'folder of the embedded store' },
  { name: 'namespace', path: 'namespace', argument: 'name', help: 'keeps applications on one store apart' },
  {
    name: 'admin-token-file',
    path: 'admin.token',
    argument: 'file',
    fromFile: true,
    help: 'file with the bearer token of the admin routes',
  },
  {
    name: 'admin-port',
    path: 'admin.port',
    argument: 'number',
    help: 'port of its own for the admin routes',
  },
  {
    name: 'admin-host',
    path: 'admin.host',
    argument: 'address',
    help: 'address to listen on with --admin-port',
  },
  {
    name: 'log-level',
    path: 'log.level',
    argument: 'level',
    help: 'fatal, error, warn, info, debug, trace or silent',
  },
  { name: 'profile', path: 'profile', argument: 'name', help: 'named settings beneath your own' },
  { name: 'no-access-log', path: 'log.access', value: false, help: 'no log line for each request' },
]

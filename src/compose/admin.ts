import express, { type Express } from 'express'
import type { Logger } from 'pino'
import type { StrataConfig } from '../config/index.js'
import { Access } from '../server/access/access.js'
import { adminRouter, probes } from '../server/admin/index.js'
import { PurgeMethods } from '../server/purge-methods.js'
import type { Engine } from './engine.js'

/** The admin side of a cache: who may do what, by routes and by methods. */
export interface Admin {
  /** The routes, at `path` of the app. */
  routes(path: string): Express
  /** The same with the probes at the root, which need no credentials. */
  server(path: string): Express
  readonly methods: PurgeMethods
}

export interface AdminSources {
  readonly engine: Engine
  readonly config: StrataConfig
  readonly log: Logger
  /** In place of the settings' token. */
  readonly token?: string | undefined
}

export function buildAdmin({ engine, config, log, token = config.admin.token }: AdminSources): Admin {
  const { operator, health } = engine
  const access = new Access({ token, trustLoopback: true })
  const routes = (path: string) => {
    const app = express()
    app.disable('x-powered-by')
    app.use(path, adminRouter({ operator, health, access }))
    return app
  }
  const onError = (error: unknown) => log.error({ err: error }, 'purge-method-failed')
  return {
    routes,
    server: path => routes(path).use(probes(health)),
    methods: new PurgeMethods({ access, operator, methods: config.admin.methods, onError }),
  }
}

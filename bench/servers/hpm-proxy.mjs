import http from 'node:http'
import express from 'express'
import { createProxyMiddleware } from 'http-proxy-middleware'
import { config, serveOn } from './support/child.mjs'

/** Express with http-proxy-middleware and no cache; with connections kept alive, which it does not do unless told. */

const agent = new http.Agent({ keepAlive: true, maxSockets: 256 })
const app = express()
app.use(createProxyMiddleware({ target: config.origin, changeOrigin: true, agent }))
await serveOn(http.createServer(app))

import http from 'node:http'
import apicache from 'apicache'
import express from 'express'
import { config, serveOn } from './support/child.mjs'
import { originFields, payload } from './support/payload.mjs'

/** The Express app of strata-middleware.mjs with apicache in Strata's place. */

const body = payload(config.bytes)
const fields = originFields(body.length)
let count = 0
const app = express()
app.use(apicache.middleware('1 hour'))
app.use((_req, res) => {
  count++
  for (let i = 0; i < fields.length; i += 2) res.set(fields[i], fields[i + 1])
  res.send(body)
})
await serveOn(http.createServer(app), { count: () => count })

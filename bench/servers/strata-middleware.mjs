import http from 'node:http'
import express from 'express'
import { built, config, serveOn } from './support/child.mjs'
import { originFields, payload } from './support/payload.mjs'

/** Strata mounted in an Express app (`shape: 'use'`) or in front of one (`shape: 'front'`). */

const { createStrata } = await built('index.js')
const strata = await createStrata(config.options)
const body = payload(config.bytes)
const fields = originFields(body.length)

const app = express()
if (config.shape === 'use') app.use(strata.middleware())
app.use((_req, res) => {
  for (let i = 0; i < fields.length; i += 2) res.set(fields[i], fields[i + 1])
  res.send(body)
})

const server = http.createServer(config.shape === 'use' ? app : strata.handler(app))
await serveOn(server, { stats: () => strata.operator.stats() })

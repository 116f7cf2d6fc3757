import { open, readFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import express from 'express'
import { pino } from 'pino'
import { pinoHttp } from 'pino-http'
import { config, serveOn } from './support/child.mjs'

/**
 * The baseline: a handler that writes the very response that Strata gave (`template`: status, reason, fields, body), and does
 * nothing else. `kind`: `response`; `not-modified`; `slice` of a body in memory; `pread` of a slice of a file; `read-file` by path.
 * `shape`: `node`; `express` (`res.set().send()`); `express-raw` (`writeHead().end()` within Express). `logged`: pino-http.
 */

const { kind = 'response', shape = 'node', logged = false, folder = '' } = config
const { status, reason, fields, etag } = JSON.parse(readFileSync(config.template, 'utf8'))
const body = readFileSync(config.body)

const KINDS = {
  response: (_req, res) => {
    res.writeHead(status, reason, fields)
    res.end(body)
  },
  'not-modified': (req, res) => {
    if (req.headers['if-none-match'] !== etag) return void res.writeHead(412).end()
    res.writeHead(status, reason, fields)
    res.end()
  },
  slice: (req, res) => {
    const [first, last] = rangeOf(req)
    res.writeHead(status, reason, fields)
    res.end(body.subarray(first, last + 1))
  },
  pread: (req, res) => {
    const [first, last] = rangeOf(req)
    const slice = Buffer.allocUnsafeSlow(last - first + 1)
    file.read(slice, 0, slice.length, first).then(
      () => {
        res.writeHead(status, reason, fields)
        res.end(slice)
      },
      error => res.destroy(error),
    )
  },
  'read-file': (req, res) => {
    readFile(join(folder, req.url)).then(
      bytes => {
        res.writeHead(status, reason, fields)
        res.end(bytes)
      },
      error => res.destroy(error),
    )
  },
}

const file = kind === 'pread' ? await open(config.body) : undefined

/** @param {http.IncomingMessage} req @returns {[number, number]} */
function rangeOf(req) {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(req.headers.range)
  return [Number(first), Number(last)]
}

function expressApp() {
  const app = express()
  app.use((req, res) => {
    if (shape === 'express-raw') return void KINDS.response(req, res)
    for (let i = 0; i < fields.length; i += 2) res.set(fields[i], fields[i + 1])
    res.send(body)
  })
  return app
}

/** The line that Strata's access log writes, without what a cache adds to it. */
function withLog(listener) {
  const log = pinoHttp({
    logger: pino(),
    quietReqLogger: true,
    serializers: {
      req: ({ id, method, url, remoteAddress }) => ({ id, method, url, remoteAddress }),
      res: ({ statusCode }) => ({ statusCode }),
    },
  })
  return (req, res) => {
    log(req, res)
    listener(req, res)
  }
}

const listener = shape === 'node' ? KINDS[kind] : expressApp()
await serveOn(http.createServer(logged ? withLog(listener) : listener))

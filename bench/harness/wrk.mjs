import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './run.mjs'

/**
 * @param {import('./load.mjs').Load} load
 * @param {number} seconds
 * @param {string} folder
 * @returns {Promise<import('./load.mjs').Measured>}
 */
export async function wrk({ port, requests, unique, connections }, seconds, folder) {
  const script = join(folder, 'load.lua')
  writeFileSync(script, luaOf(port, requests, unique))
  const url = `http://127.0.0.1:${port}${unique ?? requests[0].path}`
  const text = await run('others', 'wrk', [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--timeout',
    '10s',
    '-s',
    script,
    url,
  ])
  const line = /^RESULT (.*)$/m.exec(text)
  if (line === null) throw new Error(`wrk said no result:\n${text}`)
  return JSON.parse(line[1])
}

/** wrk sends one request over and over, at no cost, unless the script makes them. */
function luaOf(port, requests, unique) {
  return [unique !== undefined ? uniqueRequests(port, unique) : rotatingRequests(port, requests), DONE].join(
    '\n',
  )
}

function rotatingRequests(port, requests) {
  const texts = requests.map(({ path, headers = {} }) =>
    lua(head(port, path, Object.entries(headers)).join('\r\n') + '\r\n\r\n'),
  )
  if (texts.length === 1) return `request = function() return ${texts[0]} end`
  return `local all = { ${texts.join(',\n')} }
local at = 0
request = function() at = at % #all + 1; return all[at] end`
}

/** Seconds and a random number tell runs apart: no URL comes twice. */
function uniqueRequests(port, path) {
  const [first, ...rest] = head(port, '\0', [])
  const [before, after] = first.split('\0')
  return `local at = 0
local prefix = ${lua(before + path)}
local suffix = ${lua([after, ...rest].join('\r\n') + '\r\n\r\n')}
request = function() at = at + 1; return prefix .. at .. suffix end`
}

function head(port, path, headers) {
  return [`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...headers.map(([n, v]) => `${n}: ${v}`)]
}

/** @param {string} text */
function lua(text) {
  return `"${text.replace(/[\\"]/g, '\\$&').replace(/\r/g, '\\r').replace(/\n/g, '\\n')}"`
}

const DONE = `done = function(s, latency)
  local e = s.errors
  io.write(string.format('RESULT {"requests":%d,"seconds":%.6f,"bytes":%d,"p50":%d,"p99":%d,"errors":%d}\\n',
    s.requests, s.duration / 1e6, s.bytes, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end`

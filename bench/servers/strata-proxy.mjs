import { built, config, ready } from './support/child.mjs'

/** `strata serve` with the given settings, as the command starts it. */

const { loadConfig } = await built('config/index.js')
const { serve } = await built('index.js')
const settings = loadConfig({ env: {}, options: { port: 0, ...config.options } })
const { addresses } = await serve(settings)
const { port } = addresses[0]

/** @param {string} path @param {RequestInit} [init] */
async function admin(path, init) {
  const response = await fetch(`http://127.0.0.1:${port}/admin/cache${path}`, init)
  const text = await response.text()
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`)
  return JSON.parse(text)
}

const post = value => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
})

ready(port, {
  stats: () => admin('/stats'),
  status: () => admin('/status'),
  purgeAll: () => admin('/invalidate', post({ all: true, confirm: true })),
})

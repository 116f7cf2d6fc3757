import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProgram, startServer } from './processes.mjs'

/** node adds these itself, to both sides. */
const ADDED_BY_NODE = new Set(['connection', 'keep-alive', 'transfer-encoding'])

/** What one bench has: a folder, and processes that end with it. */
export class Context {
  #folder = mkdtempSync(join(tmpdir(), 'strata-bench-'))
  /** @type {import('./processes.mjs').Running[]} */
  #running = []
  #names = 0

  /** @param {import('./options.mjs').Options} options */
  constructor(options) {
    this.options = options
  }

  /** A name in the bench's folder; made as a folder when asked so. @param {string} name @param {{ folder?: boolean }} [how] */
  path(name, { folder = false } = {}) {
    const path = join(this.#folder, `${this.#names++}-${name}`)
    if (folder) mkdirSync(path)
    return path
  }

  /**
   * A server under test: on the server's core, unless told otherwise.
   * @param {string} file @param {object} config @param {string[]} [nodeArgs] @param {import('./cores.mjs').Place} [place]
   */
  async server(file, config, nodeArgs = [], place = 'server') {
    return this.#keep(await startServer(file, config, { place, node: this.options.node, nodeArgs }))
  }

  /** What stands beside the server under test: off its core, always on this Node. @param {string} file @param {object} config */
  async helper(file, config = {}) {
    return this.#keep(await startServer(file, config, { place: 'others', node: process.execPath }))
  }

  /** @param {import('./cores.mjs').Place} place @param {string} command @param {string[]} args @param {number} port */
  async program(place, command, args, port) {
    return this.#keep(await startProgram(command, args, { place, port }))
  }

  /**
   * The standalone proxy.
   * @param {{ port: number }} origin @param {object} [options] settings on top of those of all benches @param {string[]} [nodeArgs]
   * @param {import('./cores.mjs').Place} [place]
   */
  strata(origin, options = {}, nodeArgs = [], place = 'server') {
    const settings = { origin: `http://127.0.0.1:${origin.port}`, ...this.settings(options) }
    return this.server('strata-proxy.mjs', { options: settings }, nodeArgs, place)
  }

  /** Settings of all benches: as shipped, but for the access log and the place of the data. @param {Record<string, any>} options */
  settings(options = {}) {
    return {
      dataDir: this.path('data'),
      ...options,
      log: { access: false, level: 'warn', ...options.log },
    }
  }

  /**
   * Writes an answer down for `servers/bare.mjs`.
   * @param {import('./client.mjs').Answer} answer @param {Buffer} [body] what slices are taken from
   */
  template(answer, body = answer.body) {
    const fields = []
    for (let i = 0; i < answer.rawHeaders.length; i += 2) {
      if (!ADDED_BY_NODE.has(answer.rawHeaders[i].toLowerCase()))
        fields.push(answer.rawHeaders[i], answer.rawHeaders[i + 1])
    }
    const paths = { template: this.path('template.json'), body: this.path('body') }
    const { status, reason, headers } = answer
    writeFileSync(paths.template, JSON.stringify({ status, reason, fields, etag: headers.etag }))
    writeFileSync(paths.body, body)
    return paths
  }

  /** @template {import('./processes.mjs').Running} R @param {R} running @returns {R} */
  #keep(running) {
    this.#running.push(running)
    return running
  }

  async close() {
    // Last started, first stopped: a proxy before its origin.
    for (const running of this.#running.reverse()) await running.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

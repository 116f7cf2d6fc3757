// @ts-check
import { connect, createServer } from 'node:net'

/** Longest part of one message that is shown, characters. */
const SHOWN = 4_000

/**
 * A TCP relay that shows what passes through it, so that a trace has the exact bytes of both sides, interim responses
 * included. The suite's own bookkeeping (`/config/`, `/state/`) is left out.
 *
 * @param {string} label of this side, e.g. `origin`
 * @param {() => number} target port on 127.0.0.1 to relay to, asked at each connection
 * @param {(text: string) => void} show
 */
export async function startTap(label, target, show) {
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set()
  let connections = 0
  const server = createServer(near => {
    const name = `${label}#${++connections}`
    const far = connect(target(), '127.0.0.1')
    let quiet = false
    near.on('data', data => {
      const text = data.toString('latin1')
      const start = /^[A-Z-]+ (\S+) HTTP\//.exec(text)
      if (start !== null) quiet = /^(https?:\/\/[^/]*)?\/(config|state)\//.test(start[1] ?? '')
      if (!quiet) show(message(`${name} >>>`, text))
      far.write(data)
    })
    far.on('data', data => {
      if (!quiet) show(message(`${name} <<<`, data.toString('latin1')))
      near.write(data)
    })
    /** @type {[import('node:net').Socket, import('node:net').Socket, string][]} */
    const ways = [
      [near, far, '>>>'],
      [far, near, '<<<'],
    ]
    for (const [from, to, way] of ways) {
      sockets.add(from)
      from.on('end', () => to.end())
      from.on('error', error => show(message(`${name} ${way}`, `[${error.message}]`)))
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', () => resolve(undefined))
  })
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const stop = () => {
    for (const socket of sockets) socket.destroy()
    return new Promise(resolve => server.close(() => resolve(undefined)))
  }
  return { port, stop }
}

/** @param {string} side @param {string} text */
function message(side, text) {
  const time = new Date().toISOString().slice(11, 23)
  const lines = text
    .slice(0, SHOWN)
    .replace(/\r?\n$/, '')
    .split(/\r?\n/)
  if (text.length > SHOWN) lines.push(`[${text.length - SHOWN} more bytes]`)
  return `${time} ${side}\n${lines.map(line => `    ${line}`).join('\n')}\n`
}

import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { startTileOrigin } from './tile-origin.mjs'

/** The demo: a slow tile origin, Strata in front of it on the embedded store, and three lines to try. Ctrl-C ends both. */

const READY_WITHIN_MS = 30_000
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const root = fileURLToPath(new URL('..', import.meta.url))

const origin = await startTileOrigin({ port: await freePort(Number(process.env.ORIGIN_PORT ?? 9000)) })
const port = await freePort(Number(process.env.PORT ?? 8080))
const here = `http://127.0.0.1:${port}`

// In a process group of its own: Ctrl-C in the terminal must reach it once, by us, or it would not drain.
const strata = spawn(
  process.execPath,
  [
    cli,
    'serve',
    '--origin',
    origin.url,
    '--port',
    String(port),
    '--backend',
    'embedded',
    '--data-dir',
    '.strata/demo',
    '--no-access-log',
  ],
  { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], detached: true },
)

let stopping = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    strata.kill(stopping ? 'SIGKILL' : 'SIGTERM')
    stopping = true
  })
}
process.on('exit', () => strata.kill('SIGKILL'))
strata.on('exit', async code => {
  await origin.close()
  process.exit(stopping ? 0 : (code ?? 1))
})

await ready()
// A tile that nobody has asked for before, also when the store still holds those of an earlier demo.
const tile = `/tiles/14/${randomInt(2 ** 14)}/${randomInt(2 ** 14)}.png`
const look = `curl -s -o /dev/null -D - -w 'took %{time_total} s\\n' ${here}${tile}`
process.stdout.write(`
Strata is at ${here}, in front of a tile origin at ${origin.url} that takes 300 ms for each tile.
A map to play with: ${here}/     Ctrl-C ends the demo.

  MISS   ${look}
  HIT    ${look}
  purge  curl -s -X POST -H 'content-type: application/json' -d '{"patterns":["/tiles/**"]}' ${here}/admin/cache/invalidate

`)

/** `wanted`, or any free port when it is taken. */
async function freePort(wanted) {
  const probe = createServer()
  const listen = at =>
    new Promise((resolve, reject) => {
      probe.once('error', reject).listen(at, '127.0.0.1', resolve)
    })
  try {
    await listen(wanted)
  } catch (error) {
    if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') throw error
    await listen(0)
  }
  const { port: found } = probe.address()
  await new Promise(resolve => probe.close(resolve))
  return found
}

async function ready() {
  const deadline = Date.now() + READY_WITHIN_MS
  for (;;) {
    const response = await fetch(`${here}/health`).catch(() => undefined)
    if (response?.ok) return
    if (Date.now() > deadline) {
      process.stderr.write(
        `demo: Strata did not answer at ${here}/health within ${READY_WITHIN_MS / 1000} s\n`,
      )
      strata.kill('SIGTERM')
      process.exit(1)
    }
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

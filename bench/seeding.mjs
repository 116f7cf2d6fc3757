import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import { publish } from './studies/study.mjs'

/**
 * Seeding against an origin that takes 5 ms: tiles a second through `strata serve` (embedded store), next to what a bare client gets from the
 * same origin with as many requests at once, in turns; and the memory of the node as it goes (without the pages of files that are mapped).
 * node bench/seeding.mjs [--tiles 100000] [--concurrency 8] [--turns 3] [--delay 5] [--json FILE]
 */
const args = process.argv.slice(2)
const option = (name, fallback) => {
  const at = args.indexOf(`--${name}`)
  return at === -1 ? fallback : Number(args[at + 1])
}
const delay = option('delay', 5)
const concurrency = option('concurrency', 8)
const tiles = option('tiles', 100_000)
const turns = option('turns', 3)

if (args.includes('--origin')) serveOrigin()
else await main()

function serveOrigin() {
  const body = Buffer.alloc(4096, 'tile')
  const server = createServer((_req, res) => {
    setTimeout(
      () => res.writeHead(200, { 'Content-Type': 'image/png', 'Content-Length': body.length }).end(body),
      delay,
    )
  })
  server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`))
}

async function main() {
  const folder = mkdtempSync(join(tmpdir(), 'strata-seeding-'))
  const children = []
  try {
    const self = fileURLToPath(import.meta.url)
    const origin = `http://127.0.0.1:${await portOf(start(children, [self, '--origin', '--delay', String(delay)]), /^port (\d+)/)}`
    const config = join(folder, 'strata.yaml')
    const layer = { name: 'base', template: '/{z}/{x}/{y}.png', maxZoom: 14 }
    writeFileSync(
      config,
      JSON.stringify({ origin, rules: [{ match: '/**', ttl: 3600, layer }], dataDir: folder }),
    )
    const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
    const node = start(children, [cli, 'serve', '--config', config, '--port', '0', '--no-access-log'])
    const admin = `http://127.0.0.1:${await portOf(node, /"port":(\d+)/)}/admin/cache`
    const width = Math.ceil(Math.sqrt(tiles / turns))
    const found = []
    for (let turn = 0; turn < turns; turn++) {
      const bare = await bareRate(origin, Math.min(width * width, 20_000))
      const seeded = await seedRate(admin, turn, width, node.pid)
      found.push({ bare, ...seeded, ratio: seeded.rate / bare })
      console.log(
        `turn ${turn + 1}: origin ${bare.toFixed(0)}/s, seeding ${seeded.rate.toFixed(0)}/s (${seeded.fetched} tiles, ${seeded.state}), ratio ${found.at(-1).ratio.toFixed(2)}, ${seeded.cpu.toFixed(0)} µs of CPU a tile, anonymous memory ${seeded.memory.join(' ')} MB`,
      )
    }
    tell(found)
  } finally {
    for (const child of children) child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

function tell(found) {
  const ratio = found.map(one => one.ratio).sort((a, b) => a - b)[Math.floor(turns / 2)]
  const json = args.includes('--json') ? args[args.indexOf('--json') + 1] : undefined
  publish(
    {
      study: `seeding-${concurrency}`,
      title: `Seeding, ${concurrency} requests at once`,
      about: `Tiles of 4 KiB from an origin that takes ${delay} ms for each, into the embedded store, in turns with a bare client that has as many requests at once at the same origin; memory without the pages of mapped files, at the begin and the end of the turn. Median of the ratios: ${ratio.toFixed(2)}.`,
      columns: ['turn', 'tiles', 'origin', 'seeding', 'ratio', 'CPU of the node', 'memory'],
      rows: found.map((one, i) => [
        String(i + 1),
        `${one.fetched}, ${one.state}`,
        `${one.bare.toFixed(0)}/s`,
        `${one.rate.toFixed(0)}/s`,
        one.ratio.toFixed(2),
        `${one.cpu.toFixed(0)} µs/tile`,
        `${one.memory[0]} to ${one.memory.at(-1)} MB`,
      ]),
      figures: { ratio, turns: found },
    },
    { json, node: process.execPath },
  )
}

function start(children, argv) {
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  return child
}

function portOf(child, pattern) {
  return new Promise((resolve, reject) => {
    child.once('exit', code => reject(new Error(`it ended with ${code}`)))
    createInterface({ input: child.stdout }).on('line', line => {
      const found = pattern.exec(line)
      if (found !== null) resolve(found[1])
    })
  })
}

async function bareRate(origin, count) {
  const pool = new Pool(origin, { connections: concurrency, pipelining: 1 })
  let next = 0
  const from = performance.now()
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (next < count) {
        const { body } = await pool.request({ path: `/bare/${next++}`, method: 'GET' })
        await body.arrayBuffer()
      }
    }),
  )
  await pool.close()
  return (count / (performance.now() - from)) * 1000
}

/** A square of tiles of zoom 14 that no other turn has. */
async function seedRate(admin, turn, width, pid) {
  const west = ((turn * width + 0.5) / 2 ** 14) * 360 - 180
  const east = (((turn + 1) * width - 0.5) / 2 ** 14) * 360 - 180
  const latitude = y => (Math.atan(Math.sinh(Math.PI * (1 - (2 * y) / 2 ** 14))) * 180) / Math.PI
  const bbox = [west, latitude(width - 0.5), east, latitude(0.5)]
  const memory = []
  const before = cpuMicros(pid)
  const from = performance.now()
  let job = await ask(admin, '/tiles/base/seed', { bbox, zoom: 14, concurrency })
  for (let looks = 0; ['queued', 'running'].includes(job.state); looks++) {
    await new Promise(resolve => setTimeout(resolve, 100))
    job = await ask(admin, `/jobs/${job.id}`)
    if (looks % 50 === 0) memory.push(residentMb(pid))
  }
  memory.push(residentMb(pid))
  const { fetched } = job.warm
  const cpu = (cpuMicros(pid) - before) / fetched
  return { rate: (fetched / (performance.now() - from)) * 1000, fetched, state: job.state, cpu, memory }
}

async function ask(admin, path, body) {
  const init =
    body === undefined
      ? {}
      : { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const response = await fetch(admin + path, init)
  if (!response.ok) throw new Error(await response.text())
  return response.json()
}

function residentMb(pid) {
  return Math.round(Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024)
}

/** CPU time of the process so far, all of its threads. */
function cpuMicros(pid) {
  const [, , , , , , , , , , , user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(user) + Number(system)) * 10_000
}

import { createServer } from 'node:http'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, startProgram } from './harness/processes.mjs'
import { built, publish, studyOptions, tell } from './studies/study.mjs'

/**
 * Map tiles most of which are one empty one: what is stored of them.
 * `npm run bench:empty-tiles -- [--tiles 100000] [--empty 70] [--concurrency 32]` (with s3rver, which is slow, `s3-redis` takes minutes)
 */

const options = studyOptions({ tiles: 100_000, empty: 70, concurrency: 32 })
const BYTES = 600
const EMPTY = Buffer.alloc(BYTES, 'empty')
const { loadConfig } = await built('config/index.js')
const { openEngine } = await built('compose/engine.js')
const { Upstream } = await built('server/upstream.js')
const { silentExchange } = await built('engine/refresh/silent-exchange.js')
const { refreshRequest } = await built('server/refresh-request.js')
const { systemClock } = await built('engine/clock.js')

const found = []
for (const backend of ['embedded', 's3-redis']) found.push(await study(backend))
const columns = ['', ...found.map(({ backend }) => backend)]
const row = (name, of) => [name, ...found.map(figures => of(figures))]
publish(
  {
    study: 'empty-tiles',
    title: 'Equal tiles are stored once',
    about: `${options.tiles.toLocaleString('en')} tiles of ${BYTES} bytes, of which ${options.empty} % are one empty tile, fetched through the cache.`,
    columns,
    rows: [
      row('entries', ({ entries }) => String(entries)),
      row('distinct bodies sent', ({ distinct }) => String(distinct)),
      row('bodies stored', ({ bodies }) => String(bodies)),
      row('objects in the body store', ({ objects }) => String(objects)),
      row('bytes saved', ({ bytesSaved }) => `${(bytesSaved / 1e6).toFixed(1)} MB`),
      row('tiles/s', ({ perSecond }) => String(Math.round(perSecond))),
    ],
    figures: Object.fromEntries(found.map(figures => [figures.backend, figures])),
  },
  options,
)
for (const { backend, entries, bodies, distinct } of found) {
  if (entries !== options.tiles || bodies !== distinct)
    throw new Error(
      `${backend}: ${bodies} bodies of ${entries} entries are stored, ${distinct} of ${options.tiles} were sent`,
    )
}

/** @param {string} backend */
async function study(backend) {
  const closing = []
  const folder = await mkdtemp(join(tmpdir(), 'strata-bench-'))
  closing.push(() => rm(folder, { recursive: true }))
  try {
    const settings = {
      backend,
      dataDir: folder,
      sweep: { intervalMs: 0 },
      memory: { maxBytes: 0 },
      tiers: { timeoutMs: 5000 },
    }
    if (backend === 's3-redis') Object.assign(settings, await servers(closing, folder))
    const distinct = new Set()
    const origin = createServer((req, res) => {
      const x = Number(/\/(\d+)\.png$/.exec(req.url)[1])
      const body = x % 100 < options.empty ? EMPTY : Buffer.from(`${x} `.padEnd(BYTES, '.'))
      distinct.add(body === EMPTY ? 'empty' : x)
      res.writeHead(200, {
        'Content-Type': 'image/png',
        'Content-Length': BYTES,
        'Cache-Control': 'max-age=86400',
      })
      res.end(body)
    })
    await new Promise(resolve => origin.listen(0, '127.0.0.1', resolve))
    closing.push(() => {
      origin.close()
      origin.closeAllConnections()
    })
    const url = `http://127.0.0.1:${origin.address().port}`
    const config = loadConfig({ env: {}, options: { ...settings, origin: url } })
    const log = { warn: (details, what) => tell(`${what} ${JSON.stringify(details)}`) }
    const engine = await openEngine(config, log, false)
    closing.push(() => engine.close())
    const upstream = new Upstream({ origin: config.origin, ...config.proxy })
    closing.push(() => upstream.close())
    const started = performance.now()
    let next = 0
    const worker = async () => {
      while (next < options.tiles) await fetchTile(engine, upstream, next++)
    }
    await Promise.all(Array.from({ length: options.concurrency }, worker))
    await engine.settle()
    const perSecond = options.tiles / ((performance.now() - started) / 1000)
    const { entries, bodies, bytesSaved } = await engine.operator.statistics()
    const objects =
      backend === 'embedded' ? await objectsListed(engine) : await objectsOnDisk(join(folder, 's3'))
    return { backend, entries, bodies, bytesSaved, objects, distinct: distinct.size, perSecond }
  } finally {
    for (const close of closing.reverse()) await close()
  }
}

async function objectsListed({ stores }) {
  let count = 0
  let cursor
  do {
    const page = await stores.bodies.list(1000, cursor)
    count += page.bodies.length
    cursor = page.cursor
  } while (cursor !== undefined)
  return count
}

/** s3rver fails to list buckets of some thousand objects: its files are counted. */
async function objectsOnDisk(folder) {
  const files = await readdir(folder, { recursive: true })
  return files.filter(name => name.endsWith('_S3rver_object')).length
}

/** A tile, as a seeder asks for it. */
async function fetchTile(engine, upstream, x) {
  const url = `http://tiles.example/tiles/20/0/${x}.png`
  const request = refreshRequest({ url, selecting: [] }, { viaName: 'strata' })
  const nothing = { onHead: () => undefined, onFailure: () => undefined }
  const { exchange, over } = silentExchange(request, upstream, nothing, systemClock)
  engine.journey.run(exchange)
  await over
  if (exchange.outcome.result !== 'MISS' || exchange.outcome.originStatus !== 200)
    throw new Error(`tile ${x} was not fetched: ${JSON.stringify(exchange.outcome)}`)
}

async function servers(closing, folder) {
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const server = await startProgram('redis-server', args, { place: 'others', port })
  closing.push(() => server.stop())
  const { default: S3rver } = await import('s3rver')
  const bucket = 'tiles'
  const s3 = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory: join(folder, 's3'),
    configureBuckets: [{ name: bucket }],
  })
  const { port: s3Port } = await s3.run()
  closing.push(() => s3.close())
  return {
    redis: { url: `redis://127.0.0.1:${port}` },
    s3: { endpoint: `http://127.0.0.1:${s3Port}`, bucket, accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
  }
}

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * A real tile server (MapServer) behind `strata serve`: an area is seeded, MapServer is stopped, and a Leaflet map in headless Chromium is panned
 * and zoomed over that area: no tile may fail. Needs `cgi-mapserver` and `chromium` of Debian; both can be named by MAPSERV and CHROMIUM.
 * npm run e2e:tiles [-- --screenshot FILE]
 */
/* global window */
const MAPSERV = need(
  'MAPSERV',
  ['/usr/lib/cgi-bin/mapserv', '/usr/bin/mapserv'],
  'apt-get install cgi-mapserver',
)
const CHROMIUM = need(
  'CHROMIUM',
  ['/usr/bin/chromium', '/usr/bin/chromium-browser'],
  'apt-get install chromium',
)
const root = fileURLToPath(new URL('..', import.meta.url))
const SEEDED = { bbox: [2, 43, 15, 51], zoom: [0, 8] }
const CENTRE = [46.8, 8.2]

const folder = mkdtempSync(join(tmpdir(), 'strata-e2e-tiles-'))
const children = []
const closing = []
try {
  await main()
} finally {
  for (const close of closing.reverse()) await close()
  for (const child of children) child.kill('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
}

async function main() {
  const mapfile = join(folder, 'world.map')
  writeFileSync(mapfile, mapText())
  const tileServer = await serveMapServer(mapfile)
  const strata = await serveStrata(tileServer.url)
  say(`MapServer at ${tileServer.url}, Strata at ${strata}`)
  const seeding = await warm(strata)
  if (seeding !== 0) throw new Error('strata warm says that tiles are missing')
  say(`seeded: MapServer has drawn ${tileServer.drawn()} tiles`)
  await tileServer.stop()
  const { tiles, failed, hits } = await pan(strata)
  say(`MapServer is stopped. The map has shown ${tiles} tiles: ${hits} hits, ${failed.length} failed`)
  for (const url of failed.slice(0, 10)) say(`failed: ${url}`)
  if (tiles < 30 || failed.length > 0 || hits !== tiles) throw new Error('not every tile came from the cache')
}

/** A graticule and a few shapes: MapServer draws from the file alone. */
function mapText() {
  return `MAP
  NAME "world"
  SIZE 256 256
  EXTENT -20037508 -20037508 20037508 20037508
  PROJECTION "init=epsg:3857" END
  IMAGECOLOR 170 200 230
  IMAGETYPE png
  WEB METADATA "ows_enable_request" "*" "ows_title" "world" "tile_metatile_level" "0" END END
  LAYER
    NAME "shapes" TYPE POLYGON STATUS ON
    FEATURE POINTS 600000 5700000 1200000 5700000 1200000 6100000 600000 6100000 600000 5700000 END END
    CLASS STYLE COLOR 120 170 110 OUTLINECOLOR 60 90 50 END END
  END
  LAYER
    NAME "lines" TYPE LINE STATUS ON
    FEATURE POINTS 600000 5700000 900000 6000000 1200000 5800000 END END
    CLASS STYLE COLOR 200 60 40 WIDTH 3 END END
  END
END
`
}

/** MapServer is a CGI program: one process a request, as a web server would run it. Tiles in its own tile mode. */
async function serveMapServer(mapfile) {
  let drawn = 0
  let running = 0
  const waiting = []
  const server = createServer((req, res) => {
    const [, z, x, y] = /^\/tiles\/(\d+)\/(\d+)\/(\d+)\.png$/.exec(req.url) ?? []
    if (z === undefined) return void res.writeHead(404).end()
    const query = `map=${encodeURIComponent(mapfile)}&mode=tile&tilemode=gmap&layers=shapes+lines&tile=${x}+${y}+${z}`
    waiting.push(() => draw(query, res))
    next()
  })
  const next = () => {
    if (running >= 2 || waiting.length === 0) return
    running++
    waiting.shift()()
  }
  const draw = (query, res) => {
    const env = {
      REQUEST_METHOD: 'GET',
      QUERY_STRING: query,
      MS_MAP_PATTERN: '.*',
      MAPSERVER_CONFIG_FILE: config,
    }
    const cgi = spawn(MAPSERV, [], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
    const chunks = []
    cgi.stdout.on('data', chunk => chunks.push(chunk))
    cgi.once('close', () => {
      running--
      next()
      const out = Buffer.concat(chunks)
      const end = out.indexOf('\r\n\r\n')
      const type = /content-type: *([^\r\n]+)/i.exec(out.subarray(0, Math.max(end, 0)).toString())?.[1]
      if (end === -1 || type !== 'image/png') {
        say(`MapServer: ${out.subarray(0, 300).toString()}`)
        return void res.writeHead(500).end()
      }
      drawn++
      res.writeHead(200, { 'Content-Type': type }).end(out.subarray(end + 4))
    })
  }
  const config = join(folder, 'mapserver.conf')
  writeFileSync(config, 'CONFIG\n  ENV\n    MS_MAP_PATTERN ".*"\n  END\nEND\n')
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const stop = async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  closing.push(stop)
  return { url: `http://127.0.0.1:${server.address().port}`, drawn: () => drawn, stop }
}

async function serveStrata(origin) {
  const config = join(folder, 'strata.yaml')
  const layer = { name: 'world', template: '/tiles/{z}/{x}/{y}.png', maxZoom: 12, cors: '*' }
  writeFileSync(
    config,
    JSON.stringify({ origin, rules: [{ match: '/tiles/**', ttl: '1d', layer }], dataDir: folder }),
  )
  const child = start(['serve', '--config', config, '--port', '0', '--no-access-log'], 'pipe')
  return new Promise((resolve, reject) => {
    child.once('exit', code => reject(new Error(`strata serve ended with ${code}`)))
    createInterface({ input: child.stdout }).on('line', line => {
      const port = /"port":(\d+)/.exec(line)?.[1]
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`)
    })
  })
}

function warm(base) {
  const { bbox, zoom } = SEEDED
  const args = [
    '--layer',
    'world',
    `--bbox=${bbox.join(',')}`,
    '--zoom',
    zoom.join('-'),
    '--admin',
    `${base}/admin/cache`,
  ]
  const child = start(['warm', ...args], 'inherit')
  return new Promise(resolve => child.once('exit', resolve))
}

function start(args, stdout) {
  const child = spawn(process.execPath, [join(root, 'dist/cli.js'), ...args], {
    stdio: ['ignore', stdout, 'inherit'],
  })
  children.push(child)
  return child
}

/** Pans and zooms over the seeded area; tells of every tile that the map asked for. */
async function pan(base) {
  const page = await servePage(base)
  const { chromium } = await import('playwright-core')
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
  closing.push(() => browser.close())
  const tab = await browser.newPage({ viewport: { width: 500, height: 350 } })
  const asked = new Map()
  const isTile = url => url.startsWith(`${base}/tiles/`)
  tab.on('response', response => {
    if (isTile(response.url()))
      asked.set(response.url(), response.headers()['x-cache'] ?? String(response.status()))
  })
  tab.on('requestfailed', request => {
    // One that the map itself gave up, for it has moved on, has not failed.
    if (isTile(request.url()) && request.failure()?.errorText !== 'net::ERR_ABORTED')
      asked.set(request.url(), `failed: ${request.failure()?.errorText}`)
  })
  await tab.goto(page)
  await tab.waitForFunction(() => window.isReady === true)
  for (const zoom of [6, 7, 8]) {
    for (const [north, east] of [
      [0, 0],
      [1, 2],
      [-1, 2],
      [-1, -2],
      [1, -2],
    ]) {
      if (zoom < 8 && north !== 0) continue
      await tab.evaluate(([at, z]) => window.show(at, z), [[CENTRE[0] + north, CENTRE[1] + east], zoom])
      await tab.waitForFunction(() => window.isReady === true)
    }
  }
  const at = process.argv.indexOf('--screenshot')
  if (at !== -1) await tab.screenshot({ path: process.argv[at + 1] })
  const broken = await tab.evaluate(() => window.broken)
  const failed = [...asked]
    .filter(([, cache]) => !cache.startsWith('HIT'))
    .map(([url, cache]) => `${url} ${cache}`)
  const hits = [...asked.values()].filter(cache => cache.startsWith('HIT')).length
  return { tiles: asked.size, failed: [...failed, ...broken], hits }
}

async function servePage(base) {
  const leaflet = name => readFileSync(join(root, 'node_modules/leaflet/dist', name))
  const html = `<!doctype html><link rel="stylesheet" href="/leaflet.css"><style>#map{width:500px;height:350px}</style>
<div id="map"></div><script src="/leaflet.js"></script><script>
window.broken = []
const map = L.map('map', { zoomAnimation: false, fadeAnimation: false, zoomControl: false })
const layer = L.tileLayer('${base}/tiles/{z}/{x}/{y}.png')
layer.on('loading', () => { window.isReady = false }).on('load', () => { window.isReady = true })
layer.on('tileerror', ({ tile }) => window.broken.push(tile.src))
window.show = (at, zoom) => { window.isReady = false; map.setView(at, zoom, { animate: false }); if (!layer.isLoading()) window.isReady = true }
map.setView([${CENTRE}], 6, { animate: false }); layer.addTo(map)
</script>`
  const files = {
    '/': ['text/html', html],
    '/leaflet.js': ['text/javascript', leaflet('leaflet.js')],
    '/leaflet.css': ['text/css', leaflet('leaflet.css')],
  }
  const server = createServer((req, res) => {
    const [type, body] = files[req.url] ?? []
    if (type === undefined) return void res.writeHead(404).end()
    res.writeHead(200, { 'Content-Type': type }).end(body)
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    return new Promise(resolve => server.close(resolve))
  })
  return `http://127.0.0.1:${server.address().port}/`
}

function need(variable, paths, how) {
  const found = [process.env[variable], ...paths].find(path => path !== undefined && existsSync(path))
  if (found !== undefined) return found
  process.stderr.write(`e2e:tiles needs ${paths[0]}: ${how} (or say by ${variable} where it is)\n`)
  process.exit(1)
}

function say(text) {
  process.stdout.write(`${text}\n`)
}

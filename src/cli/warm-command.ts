import { readFile, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadConfig, type ConfigSources } from '../config/index.js'
import { parseBytes } from '../config/units.js'
import type { JobView } from '../engine/jobs/job.js'
import type { Estimate } from '../engine/warm/estimate.js'
import type { Failure } from '../engine/warm/failures.js'
import { isStrataError, messageOf, StrataError } from '../errors.js'
import type { Output } from './output.js'
import { AdminClient } from './warm/admin-client.js'
import { progressOn } from './warm/progress.js'
import { requestedUrls } from './warm/requested-urls.js'

export interface WarmFlags {
  readonly layer?: string
  readonly bbox?: string
  readonly geojson?: string
  readonly zoom?: string
  readonly matrixSet?: string
  readonly expiryList?: string
  readonly urls?: string
  readonly fromLog?: string
  readonly top: string
  readonly refresh?: boolean
  readonly dryRun?: boolean
  readonly confirm?: boolean
  readonly concurrency?: string
  readonly rate?: string
  readonly bytesPerSecond?: string
  readonly retries?: string
  readonly site?: string
  readonly header?: readonly string[]
  readonly param?: readonly string[]
  readonly admin?: string
  readonly failures?: string
  readonly detach?: boolean
}

const LOOK_MS = 500
/** A node that is started anew takes a while. */
const AWAY_MS = 120_000
const SHOWN_FAILURES = 20

/**
 * Has a running node warm its cache, and tells how it goes.
 * @returns exit code: 1 when something is missing at the end
 * @throws ConfigError, StrataError STRATA_CONFIG for flags and files that are wrong, STRATA_BAD_REQUEST with what the node says,
 *   STRATA_ORIGIN_UNREACHABLE without a node
 */
export async function warmCommand(sources: ConfigSources, flags: WarmFlags, output: Output): Promise<number> {
  const config = loadConfig(sources)
  const { admin, host, port } = config
  const own = admin.port === undefined ? { host, port } : { host: admin.host, port: admin.port }
  const base = flags.admin ?? `http://${reachable(own.host)}:${own.port}${admin.path}`
  const client = new AdminClient(base, admin.token)
  const { path, body } = await requestOf(flags)
  const answer = await client.call<JobView | Estimate>('POST', path, body)
  if ('dryRun' in answer) {
    output.out(`${JSON.stringify(answer, null, 2)}\n`)
    return 0
  }
  output.err(`strata: job ${answer.id} at ${base}: ${answer.options.warm?.what ?? ''}\n`)
  if (flags.detach === true) {
    output.out(`${answer.id}\n`)
    return 0
  }
  const job = await follow(client, answer, output)
  return report(client, job, flags, output)
}

/** What is sent, by what was given. */
async function requestOf(flags: WarmFlags): Promise<{ path: string; body: Record<string, unknown> }> {
  const { layer, bbox, geojson, expiryList, urls, fromLog } = flags
  const sources = { bbox, geojson, 'expiry-list': expiryList, urls, 'from-log': fromLog }
  const given = Object.entries(sources).filter(([, value]) => value !== undefined)
  if (given.length !== 1)
    throw wrong(
      `give one of ${Object.keys(sources)
        .map(name => `--${name}`)
        .join(', ')}`,
    )
  const isTiles = urls === undefined && fromLog === undefined
  if (isTiles !== (layer !== undefined))
    throw wrong(isTiles ? '--layer says of which map layer' : '--layer is for areas and expiry lists')
  const how = howOf(flags)
  if (urls !== undefined) return { path: '/warm', body: { ...how, urls: await textOf(urls) } }
  if (fromLog !== undefined) {
    const found = await requestedUrls(fromLog, numberOf('top', flags.top)!).catch(error =>
      unreadable(fromLog, error),
    )
    if (found.length === 0) throw wrong(`${fromLog} has no GET in it that was answered well`)
    return { path: '/warm', body: { ...how, urls: found } }
  }
  const area =
    bbox !== undefined
      ? { bbox: bbox.split(',').map(Number) }
      : geojson !== undefined
        ? { geometry: await jsonOf(geojson) }
        : { tiles: await textOf(expiryList!) }
  return { path: `/tiles/${encodeURIComponent(layer!)}/seed`, body: { ...how, ...tilesOf(flags), ...area } }
}

function tilesOf({ zoom, matrixSet, param }: WarmFlags): Record<string, unknown> {
  const match = zoom === undefined ? undefined : /^(\d+)(?:-(\d+))?$/.exec(zoom)
  if (match === null) throw wrong('--zoom must be a zoom, or a range such as 0-12')
  return {
    ...(match === undefined ? {} : { zoom: [Number(match[1]), Number(match[2] ?? match[1])] }),
    ...(matrixSet === undefined ? {} : { matrixSet }),
    ...(param === undefined ? {} : { params: pairs('param', param, '=') }),
  }
}

function howOf(flags: WarmFlags): Record<string, unknown> {
  const bytesPerSecond = flags.bytesPerSecond === undefined ? undefined : parseBytes(flags.bytesPerSecond)
  if (flags.bytesPerSecond !== undefined && bytesPerSecond === undefined)
    throw wrong('--bytes-per-second must be a size, such as 5MB')
  const how = {
    refresh: flags.refresh,
    dryRun: flags.dryRun,
    confirm: flags.confirm,
    concurrency: numberOf('concurrency', flags.concurrency),
    rate: numberOf('rate', flags.rate),
    bytesPerSecond,
    retries: numberOf('retries', flags.retries),
    site: flags.site,
    headers: flags.header && pairs('header', flags.header, ':'),
  }
  return Object.fromEntries(Object.entries(how).filter(([, value]) => value !== undefined))
}

/** To its end, wherever it runs; a node that is away for a while may come back, or another in its place. */
async function follow(client: AdminClient, first: JobView, output: Output): Promise<JobView> {
  const progress = progressOn(process.stderr, text => output.err(`strata: ${text}\n`))
  let job = first
  let awaySince: number | undefined
  try {
    while (['queued', 'running', 'paused'].includes(job.state)) {
      if (job.warm !== undefined) progress.show(job.state, job.warm)
      await sleep(LOOK_MS)
      try {
        job = await client.call<JobView>('GET', `/jobs/${job.id}`)
        awaySince = undefined
      } catch (error) {
        awaySince ??= performance.now()
        const isAway = isStrataError(error, 'STRATA_ORIGIN_UNREACHABLE')
        if (!isAway || performance.now() - awaySince > AWAY_MS) throw error
      }
    }
    if (job.warm !== undefined) progress.show(job.state, job.warm)
    return job
  } finally {
    progress.end()
  }
}

async function report(client: AdminClient, job: JobView, flags: WarmFlags, output: Output): Promise<number> {
  const { state, warm, error } = job
  if (warm !== undefined) {
    const { total, hits, fetched, absent, outside, failed, bytes } = warm
    output.out(
      `${state}: ${total} in all, ${hits} were fresh, ${fetched} fetched (${bytes} bytes), ${absent} absent, ${outside} outside, ${failed} failed\n`,
    )
  }
  if (error !== null) output.err(`strata: ${error}\n`)
  if (state === 'done') return 0
  const { failures } = await client.call<{ failures: Failure[] }>('GET', `/jobs/${job.id}/failures`)
  const lines = failures.map(({ name, reason }) => `${name}\t${reason}\n`)
  if (flags.failures !== undefined) await writeFile(flags.failures, lines.join(''))
  for (const line of lines.slice(0, SHOWN_FAILURES)) output.err(line)
  if (lines.length > SHOWN_FAILURES) output.err(`… and ${lines.length - SHOWN_FAILURES} more\n`)
  return 1
}

function pairs(flag: string, given: readonly string[], separator: string): Record<string, string> {
  return Object.fromEntries(
    given.map(text => {
      const at = text.indexOf(separator)
      if (at < 1) throw wrong(`--${flag} must be name${separator}value`)
      return [text.slice(0, at).trim(), text.slice(at + 1).trim()]
    }),
  )
}

function numberOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw wrong(`--${flag} must be a number`)
  return value
}

async function jsonOf(file: string): Promise<unknown> {
  const text = await textOf(file)
  try {
    return JSON.parse(text)
  } catch {
    throw wrong(`${file} is not valid JSON`)
  }
}

function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(error => unreadable(file, error))
}

function unreadable(file: string, error: unknown): never {
  throw wrong(`${file} can't be read: ${messageOf(error)}`)
}

/** Where one that listens on all addresses can be reached from here. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

function wrong(message: string): StrataError {
  return new StrataError('STRATA_CONFIG', message)
}

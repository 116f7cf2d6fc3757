import { afterAll, beforeAll } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rawRequest, type RawRequest, type RawResponse } from '../../support/raw-client.js'
import { startScriptedOrigin, type ScriptedOrigin } from '../../support/scripted-origin.js'
import { startProxy } from '../runner/proxy.mjs'

export interface ProxiedOrigin {
  readonly origin: ScriptedOrigin
  /** A target that nobody else asks for. */
  target(): string
  get(target: string, ...fields: [string, string][]): Promise<RawResponse>
  send(request: Omit<RawRequest, 'port'>): Promise<RawResponse>
  /** How often the origin was asked. */
  times(target: string): number
}

/**
 * One Strata process (the built command, conformance profile) in front of one scripted origin for a test file.
 * `env`: further settings.
 */
export function proxiedOrigin(env: Record<string, string> = {}): ProxiedOrigin {
  let origin: ScriptedOrigin
  let proxy: Awaited<ReturnType<typeof startProxy>>
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'strata-blackbox-'))
    origin = await startScriptedOrigin()
    const plan = { origin: origin.url, store: 'memory', profile: 'conformance' as const }
    proxy = await startProxy({
      ...plan,
      env: { STRATA_DATA_DIR: folder, ...env },
      command: process.env['CONFORMANCE_PROXY'],
    })
  })
  afterAll(async () => {
    await proxy.stop()
    await origin.stop()
    await rm(folder, { recursive: true, force: true })
  })
  const send: ProxiedOrigin['send'] = request =>
    rawRequest({ ...request, port: Number(new URL(proxy.base).port) })
  return {
    get origin() {
      return origin
    },
    target: () => `/test/${randomUUID()}`,
    get: (target, ...fields) => send({ target, fields }),
    send,
    times: target => origin.requests(target).length,
  }
}

/** Runs `attempt` until it gives true; the test's own time limit ends it. For what another process does in the background. */
export async function until(attempt: () => Promise<boolean>): Promise<void> {
  while (!(await attempt())) await new Promise(resolve => setTimeout(resolve, 10))
}

/** An HTTP-date so many seconds from now. */
export function httpDate(seconds = 0): string {
  return new Date(Date.now() + seconds * 1000).toUTCString()
}

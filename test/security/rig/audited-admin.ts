import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from '@jest/globals'
import express from 'express'
import request from 'supertest'
import { Access } from '../../../src/server/access/access.js'
import { adminRouter, auditRoutes } from '../../../src/server/admin/index.js'
import type { AuditSink } from '../../../src/server/audit/audit.js'
import { memoryAudit, type AuditedEvent } from '../../support/audited.js'
import { operatedCache } from '../../support/operated-cache.js'

let folder: string
/** The audit file of the test that runs. */
export let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strata-audit-'))
  path = join(folder, 'audit.jsonl')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

export const TOKEN = 'the-token-of-the-settings'
const health = { live: () => ({ ok: true, checks: {} }), ready: () => ({ ok: true, checks: {} }) }

/** A memory cache with its admin router; what it audits can be seen. */
export async function admin(sink?: AuditSink) {
  const cache = await operatedCache()
  const written = memoryAudit(sink)
  const access = new Access({ token: TOKEN, trustLoopback: true })
  const { audit } = written
  const routes = auditRoutes(path)
  const router = adminRouter({ operator: cache.operator, health, access, audit, routes })
  const app = express().use('/admin/cache', router)
  const api = (method: 'get' | 'post' | 'delete', url: string) =>
    request(app)[method](`/admin/cache${url}`).set('authorization', `Bearer ${TOKEN}`)
  return { ...cache, ...written, api }
}

export const linesOf = async (file = path) => (await readFile(file, 'utf8')).split('\n').slice(0, -1)
export const eventsOf = async (file = path) =>
  (await linesOf(file)).map(line => JSON.parse(line) as AuditedEvent)

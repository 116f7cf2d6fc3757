import type { Request } from 'express'
import type { JobView } from '../../engine/jobs/job.js'
import type { Operator } from '../../engine/operator.js'
import type { Estimate } from '../../engine/warm/estimate.js'
import type { WarmHow } from '../../engine/warm/warmer.js'
import type { Seeder } from '../../tiles/seed/seeder.js'
import { schemeOf, type TrustedPeers } from '../forwarded.js'
import { readQuery, type Answer } from './answer.js'
import { jobAnswer } from './jobs-routes.js'
import { streamJob } from './job-events.js'
import { paramOf, type AdminRoute } from './route.js'
import { readSeedBody, readUrlsBody, type SeedBody, type UrlsBody } from './warm-body.js'

/**
 * `POST /tiles/{layer}/seed`, `POST /warm`, `POST /jobs/{id}/pause`, `POST /jobs/{id}/resume`, `GET /jobs/{id}/failures`,
 * `GET /jobs/{id}/events`
 */
export function warmRoutes(
  seeder: Seeder,
  operator: Pick<Operator, 'job' | 'pauseJob' | 'resumeJob'>,
  trusted: TrustedPeers,
): AdminRoute[] {
  /** Who does not say how clients call the site is taken to ask under that name. */
  const named = (req: Request, how: WarmHow): WarmHow => ({
    ...how,
    site:
      how.site ??
      seeder.site ??
      `${schemeOf(req, trusted.includes(req))}://${req.headers.host ?? 'localhost'}`,
  })
  return [
    {
      path: '/tiles/:layer/seed',
      methods: {
        POST: {
          scope: 'warm',
          action: 'seed-tiles',
          body: { read: readSeedBody },
          run: async (req, { body }) => {
            const { request, how } = body as SeedBody
            return answerOf(await seeder.seed(paramOf(req, 'layer'), request, named(req, how)))
          },
        },
      },
    },
    {
      path: '/warm',
      methods: {
        POST: {
          scope: 'warm',
          action: 'warm',
          body: { read: readUrlsBody },
          run: async (req, { body }) => {
            const { urls, how } = body as UrlsBody
            return answerOf(await seeder.urls(urls, named(req, how)))
          },
        },
      },
    },
    {
      path: '/jobs/:id/pause',
      methods: {
        POST: {
          scope: 'warm',
          action: 'pause-job',
          run: async req => ({ status: 200, body: await operator.pauseJob(paramOf(req, 'id')) }),
        },
      },
    },
    {
      path: '/jobs/:id/resume',
      methods: {
        POST: {
          scope: 'warm',
          action: 'resume-job',
          run: async req => ({ status: 200, body: await operator.resumeJob(paramOf(req, 'id')) }),
        },
      },
    },
    {
      path: '/jobs/:id/failures',
      methods: {
        GET: {
          scope: 'read',
          run: async req => {
            readQuery(req, [])
            return { status: 200, body: await seeder.failures(paramOf(req, 'id')) }
          },
        },
      },
    },
    {
      path: '/jobs/:id/events',
      methods: {
        GET: {
          scope: 'read',
          run: async (req, { res }) => {
            readQuery(req, [])
            const id = paramOf(req, 'id')
            await streamJob(() => operator.job(id), req, res)
            return undefined
          },
        },
      },
    },
  ]
}

function answerOf(result: JobView | Estimate): Answer {
  return 'dryRun' in result ? { status: 200, body: result } : jobAnswer(result)
}

import type { Router } from 'express'
import { addRoute } from './route.js'

export interface HealthReport {
  readonly ok: boolean
  /** What was looked at, by name, with the reason when something is not well. */
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly reason?: string }>>
}

export interface Health {
  /** Whether the process works at all. */
  live(): HealthReport | Promise<HealthReport>
  /** Whether it can cache: stores answer. Requests are served without that, too. */
  ready(): HealthReport | Promise<HealthReport>
}

/** `GET /health`, `GET /ready`: 200, or 503 with the reasons. Also for the server's own root, where probes ask without a token. */
export function healthRoutes(router: Router, health: Health): void {
  const route = (path: string, ask: () => HealthReport | Promise<HealthReport>) =>
    addRoute(router, path, {
      GET: async () => {
        const report = await ask()
        return {
          status: report.ok ? 200 : 503,
          body: { status: report.ok ? 'ok' : 'unavailable', checks: report.checks },
        }
      },
    })
  route('/health', () => health.live())
  route('/ready', () => health.ready())
}

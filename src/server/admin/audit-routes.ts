import { StrataError } from '../../errors.js'
import { readAuditPage } from '../audit/audit-page.js'
import { readQuery } from './answer.js'
import type { AdminRoute } from './route.js'

/** `GET /audit`: what was done here, the newest first, by page. */
export function auditRoutes(file: string | undefined): AdminRoute[] {
  return [
    {
      path: '/audit',
      methods: {
        GET: {
          scope: ['config', 'keys'],
          run: async req => {
            const query = readQuery(req, ['limit', 'cursor'])
            if (file === undefined)
              throw new StrataError('STRATA_NOT_FOUND', 'there is no audit file: set admin.audit.file')
            return { status: 200, body: await readAuditPage(file, query) }
          },
        },
      },
    },
  ]
}

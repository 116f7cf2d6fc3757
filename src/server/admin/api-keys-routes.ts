import { z } from 'zod'
import type { ApiKeys } from '../../engine/access/api-keys.js'
import { ROLE_NAMES, SCOPES, scopesOf } from '../../engine/access/scopes.js'
import { FaultyRequest } from '../../engine/fence/mark-faults.js'
import { readQuery } from './answer.js'
import { paramOf, type AdminRoute } from './route.js'

const DAY = 86_400_000

const schema = z.strictObject({
  name: z.string(),
  scopes: z.array(z.enum([...SCOPES, ...ROLE_NAMES])).max(20),
  /** Days; null: until it is revoked. */
  expiresInDays: z.number().positive().max(3650).nullable().default(90),
})

/** `GET /api-keys`, `POST /api-keys`, `DELETE /api-keys/{id}` */
export function apiKeysRoutes(keys: ApiKeys): AdminRoute[] {
  return [
    {
      path: '/api-keys',
      methods: {
        GET: {
          scope: 'keys',
          run: async req => {
            readQuery(req, [])
            return { status: 200, body: { keys: await keys.list() } }
          },
        },
        POST: {
          scope: 'keys',
          action: 'create-api-key',
          body: 'json',
          run: async (req, { body, principal, need }) => {
            readQuery(req, [])
            const parsed = schema.safeParse(body)
            if (!parsed.success) {
              throw new FaultyRequest(
                parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })),
              )
            }
            const { name, scopes, expiresInDays: days } = parsed.data
            // Nobody gives what he has not got: else `keys` alone would be everything.
            for (const scope of scopesOf(scopes)) need(scope)
            const lifeMs = days === null ? null : days * DAY
            const made = await keys.create({ name, scopes, lifeMs }, principal.id)
            return { status: 201, body: { id: made.key.id, ...made } }
          },
        },
      },
    },
    {
      path: '/api-keys/:id',
      methods: {
        DELETE: {
          scope: 'keys',
          action: 'revoke-api-key',
          run: async req => {
            readQuery(req, [])
            const id = paramOf(req, 'id')
            await keys.revoke(id)
            return { status: 200, body: { id, revoked: true } }
          },
        },
      },
    },
  ]
}

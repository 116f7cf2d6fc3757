import { z } from 'zod'
import { FaultyRequest, type Fault } from '../../engine/fence/mark-faults.js'
import type { InvalidateRequest } from '../../engine/operator.js'

const texts = z.array(z.string())
const time = z.union([z.number(), z.iso.datetime({ offset: true }).transform(text => Date.parse(text))], {
  error: 'must be a time: ms since the epoch, or like 2026-11-20T12:00:00Z',
})

/** The shape; what the values may be is the engine's to say. */
const schema = z.strictObject({
  keys: texts.optional(),
  urls: texts.optional(),
  patterns: texts.optional(),
  tags: texts.optional(),
  all: z.boolean().optional(),
  key: z.string().optional(),
  url: z.string().optional(),
  pattern: z.string().optional(),
  tag: z.string().optional(),
  prefix: z.string().optional(),
  host: z.string().optional(),
  contentType: z.string().optional(),
  status: z.number().optional(),
  olderThan: time.optional(),
  minBytes: z.number().optional(),
  soft: z.boolean().optional(),
  dryRun: z.boolean().optional(),
  confirm: z.boolean().optional(),
})

/** @throws FaultyRequest with every fault of the shape; for `all` without `confirm`, which a script sends too easily. */
export function parseInvalidate(body: unknown): InvalidateRequest {
  const result = schema.safeParse(body)
  if (result.success) {
    const { confirm, ...request } = result.data
    if (request.all === true && request.dryRun !== true && confirm !== true) {
      const message = 'has to be true to invalidate everything: {"all":true,"confirm":true}'
      throw new FaultyRequest([{ path: 'confirm', message }])
    }
    return request
  }
  throw new FaultyRequest(result.error.issues.flatMap(issue => faultsOfIssue(issue, schema)))
}

/** What zod found, told as everywhere else. */
export function faultsOfIssue(issue: z.core.$ZodIssue, { shape }: Pick<z.ZodObject, 'shape'>): Fault[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(path => ({
      path,
      message: `is no field here (there are: ${Object.keys(shape).join(', ')})`,
    }))
  }
  return [{ path: pathOf(issue.path), message: issue.message }]
}

/** `keys[3]` */
function pathOf(parts: readonly PropertyKey[]): string {
  return parts
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${String(part)}`))
    .join('')
}

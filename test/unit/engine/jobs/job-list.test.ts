import { describe, expect, test } from '@jest/globals'
import { decodeJobs, encodeJobs, trimmed } from '../../../../src/engine/jobs/job-list.js'
import type { Job } from '../../../../src/engine/jobs/job.js'

describe('the list', () => {
  const job = (id: string, extra: Partial<Job> = {}): Job => ({
    ...{ id, kind: 'sweep', cause: 'asked', state: 'done', options: {}, createdAt: 1, node: 'n' },
    ...{ examined: 0, removed: 0, bodies: 0, bytes: 0, beat: 0, resumed: 0, cancelling: false },
    ...extra,
  })

  test('survives the way to text and back', () => {
    const list = { jobs: [job('a', { place: { epoch: 'e', seq: 1, floor: 0, cursor: 'c' }, total: 3 })] }
    expect(decodeJobs(encodeJobs(list))).toEqual(list)
  })

  test.each([
    '',
    'x',
    '[]',
    '{}',
    '{"v":2,"jobs":[]}',
    '{"v":1,"jobs":{}}',
    '{"v":1,"jobs":[1,{"id":"a"}]}',
    'null',
  ])('%j: nothing that could be used', text => expect(decodeJobs(text)).toEqual({ jobs: [] }))

  test('holds the newest that are over, all that are not, and no sweep that found nothing by itself', () => {
    const jobs = [
      job('old'),
      job('waiting', { state: 'queued' }),
      job('idle', { cause: 'interval' }),
      job('useful', { cause: 'interval', removed: 1 }),
      job('broken', { cause: 'interval', state: 'failed' }),
    ]
    expect(trimmed(jobs, 2).map(({ id }) => id)).toEqual(['waiting', 'useful', 'broken'])
  })
})

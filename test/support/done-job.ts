import type { Operator } from '../../src/engine/operator.js'

type View = Awaited<ReturnType<Operator['sweep']>>

/** The job once it is over: asking for one answers before that when the machine is busy. The test's own time limit ends the wait. */
export async function done(operator: Pick<Operator, 'job'>, started: Promise<View>): Promise<View> {
  let job = await started
  while (job.state === 'queued' || job.state === 'running') {
    await new Promise(resolve => setTimeout(resolve, 10))
    job = await operator.job(job.id)
  }
  return job
}

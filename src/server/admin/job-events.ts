import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { JobView } from '../../engine/jobs/job.js'
import { messageOf, StrataError } from '../../errors.js'

const EVERY_MS = 1000
/** Without a word for so long, proxies take a connection for dead. */
const PING_AFTER = 15
const MOST_STREAMS = 64

let streams = 0

/**
 * A job's progress as server-sent events (WHATWG HTML §9.2): `progress` with the job when something has changed, looked at each second, `end`
 * with the last of it. A client that connects again gets how it is then.
 * @param look throws StrataError STRATA_NOT_FOUND before anything is sent
 */
export async function streamJob(
  look: () => Promise<JobView>,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  let job = await look()
  if (streams >= MOST_STREAMS)
    throw new StrataError(
      'STRATA_RATE_LIMITED',
      `${MOST_STREAMS} of these are open: ask for the job itself now and then`,
    )
  res.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Accel-Buffering': 'no',
    'X-Content-Type-Options': 'nosniff',
  })
  if (req.method === 'HEAD') return void res.end()
  streams++
  let wake = () => {}
  res.once('close', () => wake())
  try {
    for (let sent = '', quiet = 0; !res.destroyed;) {
      const text = JSON.stringify(job)
      const isOver = !['queued', 'running', 'paused'].includes(job.state)
      if (text !== sent) res.write(`event: ${isOver ? 'end' : 'progress'}\ndata: ${text}\n\n`)
      else if (++quiet % PING_AFTER === 0) res.write(': still here\n\n')
      sent = text
      if (isOver || isClosing(req)) break
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, EVERY_MS)
        timer.unref()
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      if (!res.destroyed) job = await look()
    }
  } catch (error) {
    // The head is out: what is left is to say it here.
    res.write(`event: error\ndata: ${JSON.stringify({ detail: messageOf(error) })}\n\n`)
  } finally {
    streams--
    res.end()
  }
}

/** A server that is to end waits for its answers: this one would not come to an end. */
function isClosing({ socket }: IncomingMessage): boolean {
  return (socket as { server?: Server }).server?.listening === false
}

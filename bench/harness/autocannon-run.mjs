import autocannon from 'autocannon'

/** A process of its own, so that it can be pinned: takes a load as JSON, writes what came of it as JSON. */

const { port, requests, unique, connections, seconds } = JSON.parse(process.argv[2])
let at = 0
const result = await autocannon({
  url: `http://127.0.0.1:${port}`,
  connections,
  duration: seconds,
  timeout: 10,
  requests:
    unique === undefined
      ? requests.map(({ path, headers }) => ({ method: 'GET', path, headers }))
      : [{ setupRequest: request => ({ ...request, method: 'GET', path: `${unique}${++at}` }) }],
})
process.stdout.write(
  JSON.stringify({
    requests: result.requests.total,
    seconds: result.duration,
    bytes: result.throughput.total,
    p50: result.latency.p50 * 1000,
    p99: result.latency.p99 * 1000,
    errors: result.errors + result.timeouts + result['4xx'] + result['5xx'],
  }),
)

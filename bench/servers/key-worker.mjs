import { createHash } from 'node:crypto'
import { built, config, ready } from './support/child.mjs'

/** Primary keys, or plain SHA-256 over the same bytes, as fast as they go. */

const { primaryKey } = await built('http/key.js')
const { urlLength, plain } = config
const SECONDS = config.seconds
const start = 'http://tiles.example/maps/roads/'
// Keys of one text over and over could be remembered somewhere: these differ at their end.
const urls = Array.from(
  { length: 256 },
  (_, i) => start.padEnd(urlLength - 3, 'x') + String(i).padStart(3, '0'),
)
const hash = plain
  ? urls
      .map(url => Buffer.from(url))
      .map(bytes => () => createHash('sha256').update(bytes).digest('base64url'))
  : urls.map(url => () => primaryKey([url]))

ready(0, {
  check: () => [urls[0].length, hash[0]()],
  sample: () => {
    const before = process.cpuUsage()
    const started = process.hrtime.bigint()
    const until = started + BigInt(SECONDS * 1e9)
    let done = 0
    let sink = 0
    while (process.hrtime.bigint() < until) {
      for (const one of hash) sink += one().length
      done += hash.length
    }
    const { user, system } = process.cpuUsage(before)
    const seconds = Number(process.hrtime.bigint() - started) / 1e9
    return { rate: done / seconds, cpu: (user + system) / done, busy: (user + system) / 1e6 / seconds, sink }
  },
})

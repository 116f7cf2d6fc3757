import { LEDGER, PRELUDE } from './prelude.js'

/** Milliseconds after which a body that is being deleted is handed out again. */
const AGAIN = 60_000

/** ARGV: body, until. Reply: 'present', 'reserved' or 'busy'. */
export const reserveBody = `${PRELUDE}${LEDGER}
local row = bodyRow(ARGV[1])
if row and row[5] >= 0 then return 'busy' end
if not row then row = {0, 0, 0, 0, -1} end
row[3] = math.max(row[3], tonumber(ARGV[2]))
if row[1] == 0 then call('ZADD', P .. 'd', deadAt(row), ARGV[1]) end
saveBody(ARGV[1], row)
return row[1] > 0 and 'present' or 'reserved'
`

/** ARGV: now, body. Bytes may have been written: without references it is an orphan at once. Reply: 1 when it was known. */
export const releaseBody = `${PRELUDE}${LEDGER}
local row = bodyRow(ARGV[2])
if not row or row[5] >= 0 then return 0 end
row[3] = 0
if row[1] == 0 then
  row[4] = tonumber(ARGV[1])
  call('ZADD', P .. 'd', deadAt(row), ARGV[2])
end
saveBody(ARGV[2], row)
return 1
`

/**
 * ARGV: now, limit, clock (ms; deaths have happened by then). Bodies whose deletion began ${AGAIN} ms before now and was not
 * finished, then those without reference and with no reservation after now, oldest first; all are being deleted from now on.
 * At most limit * 4 + 1000 are looked at. Reply: {body, …}.
 */
export const orphans = `${PRELUDE}${LEDGER}
local now, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local found = {}
local function take(body, row)
  row[5] = now
  saveBody(body, row)
  call('ZADD', P .. 'g', now, body)
  found[#found + 1] = body
end
for _, body in ipairs(call('ZRANGEBYSCORE', P .. 'g', '-inf', now - ${AGAIN}, 'LIMIT', 0, limit)) do
  local row = bodyRow(body)
  if row then take(body, row) else call('ZREM', P .. 'g', body) end
end
local upTo = math.max(now, tonumber(ARGV[3]))
for _, body in ipairs(call('ZRANGEBYSCORE', P .. 'd', '-inf', upTo, 'LIMIT', 0, limit * 4 + 1000)) do
  if #found >= limit then break end
  local row = bodyRow(body)
  if not row or row[1] > 0 then
    call('ZREM', P .. 'd', body)
  elseif row[3] <= now then
    call('ZREM', P .. 'd', body)
    take(body, row)
  end
end
return found
`

/** ARGV: bodies. Forgets those that are being deleted; one that came to life again meanwhile stays. Reply: how many. */
export const forget = `${PRELUDE}${LEDGER}
local gone = 0
for _, body in ipairs(ARGV) do
  local row = bodyRow(body)
  if row and row[5] >= 0 then
    call('HDEL', P .. 'b:' .. bucketOf(body), body)
    gone = gone + 1
  end
  if not row or row[5] >= 0 then call('ZREM', P .. 'g', body) end
end
return gone
`

/** ARGV: bodies. Reply: for each 1 when the ledger knows it, else 0. */
export const knownBodies = `${PRELUDE}
local known = {}
for i, body in ipairs(ARGV) do known[i] = call('HEXISTS', P .. 'b:' .. bucketOf(body), body) end
return known
`

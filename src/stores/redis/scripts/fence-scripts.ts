import { FENCE, PRELUDE } from './prelude.js'

/** ARGV: random, epoch, seen. When writes were lost that were seen in the same epoch (a failover), a new one begins. Reply: {epoch, seq}. */
export const renewEpoch = `${PRELUDE}${FENCE}
local f = readFence(ARGV[1])
if hasLost(f, ARGV[2], tonumber(ARGV[3])) then f = newEpoch(ARGV[1]) end
return {f.epoch, f.seq}
`

/** ARGV: random, epoch and seq that the caller has seen last, marks … Raises seq by one and logs the marks with it. Reply: {epoch, seq}. */
export const invalidate = `${PRELUDE}${FENCE}
local f = readFence(ARGV[1])
if hasLost(f, ARGV[2], tonumber(ARGV[3])) then f = newEpoch(ARGV[1]) end
takeOver(f)
local seq = call('HINCRBY', KEYS[1], 's', 1)
for i = 4, #ARGV do call('ZADD', P .. 'm', seq, struct.pack('>I6I3', seq, i) .. ARGV[i]) end
if #ARGV > 3 then call('HINCRBY', KEYS[1], 'm', #ARGV - 3) end
return {f.epoch, seq}
`

/**
 * ARGV: random, seq, limit. At most `limit` marks, and then the rest of the last one's seq.
 * Reply: {epoch, seq, floor, retired, {member, …}}; a member is seq (6 bytes), position (3 bytes), mark.
 */
export const marksAfter = `${PRELUDE}${FENCE}
local f = readFence(ARGV[1])
local limit = tonumber(ARGV[3])
local found = call('ZRANGEBYSCORE', P .. 'm', '(' .. ARGV[2], '+inf', 'LIMIT', 0, limit)
if #found == limit and limit > 0 then
  local last = struct.unpack('>I6', found[limit])
  found = call('ZRANGEBYSCORE', P .. 'm', '(' .. ARGV[2], last)
end
return {f.epoch, f.seq, f.floor, f.retired, found}
`

/**
 * ARGV: random, epoch that the caller has seen last, upTo, fold ('1' or '0'). In another epoch it does nothing: those marks are
 * not the ones that the caller has swept. Reply: number of marks dropped.
 */
export const retireMarks = `${PRELUDE}${FENCE}
local f = readFence(ARGV[1])
if ARGV[2] ~= '' and f.epoch ~= ARGV[2] then return 0 end
local upTo = math.min(tonumber(ARGV[3]), f.seq)
local gone = call('ZREMRANGEBYSCORE', P .. 'm', '-inf', upTo)
call('HSET', KEYS[1], 'r', math.max(f.retired, upTo), 'm', call('ZCARD', P .. 'm'))
if ARGV[4] == '1' then call('HSET', KEYS[1], 'l', math.max(f.floor, upTo)) end
return gone
`

/** ARGV: random. Reply: number of marks in the log. */
export const markCount = `${PRELUDE}${FENCE}
return readFence(ARGV[1]).marks
`

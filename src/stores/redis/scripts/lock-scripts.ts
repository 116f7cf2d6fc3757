import { PRELUDE } from './prelude.js'

const LOCK = `
local LOCK = P .. 'l:' .. ARGV[1]
local MOST = 10000

local function nowMs()
  local t = call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

local value = call('GET', LOCK)
local kind = value and string.sub(value, 1, 1)
local mine = (kind == 'L' or kind == 'W') and string.sub(value, 2) == ARGV[2]
`

/**
 * ARGV: name, token, ttl (ms), how long ago the caller looked into the store (ms).
 * Reply: {'taken'}, {'busy', ms that it is held for}, {'over'} or {'uncacheable'}.
 */
export const tryLock = `${PRELUDE}${LOCK}
local now = nowMs()
local untilWhen = call('ZSCORE', P .. 'u', ARGV[1])
if untilWhen and tonumber(untilWhen) > now then return {'uncacheable'} end
if kind == 'S' then
  if tonumber(string.sub(value, 2)) >= now - tonumber(ARGV[4]) then return {'over'} end
elseif kind and not mine then
  call('SETRANGE', LOCK, 0, 'W')
  return {'busy', call('PTTL', LOCK)}
end
call('SET', LOCK, 'L' .. ARGV[2], 'PX', ARGV[3])
return {'taken'}
`

/** ARGV: name, token, ttl (ms). Reply: 1 when it is the token's. */
export const extendLock = `${PRELUDE}${LOCK}
if not mine then return 0 end
return call('PEXPIRE', LOCK, ARGV[3])
`

/**
 * ARGV: name, token, ms that the name is not for sharing (0: it is), ms that its end is remembered, channel. Those who wait are told;
 * a user that may not publish loses the hint, nothing else. Reply: 1 when it was the token's.
 */
export const unlock = `${PRELUDE}${LOCK}
if not mine then return 0 end
local now = nowMs()
if tonumber(ARGV[3]) > 0 then
  local names = P .. 'u'
  call('ZREMRANGEBYSCORE', names, '-inf', now)
  call('ZADD', names, now + tonumber(ARGV[3]), ARGV[1])
  if call('ZCARD', names) > MOST then call('ZPOPMIN', names) end
  call('DEL', LOCK)
else
  call('SET', LOCK, 'S' .. string.format('%.0f', now), 'PX', ARGV[4])
end
if kind == 'W' then redis.pcall('PUBLISH', P .. ARGV[5], ARGV[1]) end
return 1
`

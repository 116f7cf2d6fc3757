import { FENCE, PRELUDE } from './prelude.js'

/**
 * The list of nodes, with its birth. A server that has the list but did not make it (restarted, or a replica that took over)
 * may lack the newest of it: then it is born anew, as when it was evicted or flushed.
 */
const NODES = `
local NODES = P .. 'n'
local MANY, MOST = 64, 1024

local function nowMs()
  local t = call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- How long the list has been whole, ms. A server that does not say who it is counts as the same.
local function wholeFor(now)
  local run = runId()
  if run == '' then run = '-' end
  local was = call('HGET', NODES, '@')
  if was then
    local known, at = string.match(was, '^(%S+) (%d+)$')
    if known == run and tonumber(at) <= now then return now - tonumber(at) end
  end
  call('HSET', NODES, '@', run .. ' ' .. string.format('%.0f', now))
  return 0
end

-- Calls back for each node whose lease runs; takes the others off.
local function eachNode(now, visit)
  local all = call('HGETALL', NODES)
  for i = 1, #all, 2 do
    if all[i] ~= '@' then
      local ends, seq, epoch = string.match(all[i + 1], '^(%d+) (%d+) (.*)$')
      if ends and tonumber(ends) > now then visit(all[i], tonumber(ends) - now, tonumber(seq), epoch)
      else call('HDEL', NODES, all[i]) end
    end
  end
end
`

/**
 * ARGV: random, node, epoch and seq that it has seen, lease (ms). A fence that has lost what was seen: a new epoch begins.
 * With 1,024 nodes a new one is refused. Reply: {epoch, seq, number of nodes}.
 */
export const renewNode = `${PRELUDE}${FENCE}${NODES}
local f = readFence(ARGV[1])
if hasLost(f, ARGV[3], tonumber(ARGV[4])) then f = newEpoch(ARGV[1]) end
local now = nowMs()
wholeFor(now)
if call('HEXISTS', NODES, ARGV[2]) == 0 then
  if call('HLEN', NODES) > MANY then eachNode(now, function() end) end
  if call('HLEN', NODES) > MOST then return redis.error_reply('ERR too many nodes in this namespace') end
end
call('HSET', NODES, ARGV[2], string.format('%.0f', now + tonumber(ARGV[5])) .. ' ' .. ARGV[4] .. ' ' .. ARGV[3])
return {f.epoch, f.seq, call('HLEN', NODES) - 1}
`

/** ARGV: node. Reply: {ms that the list has been whole, then of each other node: id, ms until its lease ends, seq, epoch}. */
export const otherNodes = `${PRELUDE}${FENCE}${NODES}
local now = nowMs()
local reply = {wholeFor(now)}
eachNode(now, function(id, left, seq, epoch)
  if id ~= ARGV[1] then
    for _, value in ipairs({id, left, seq, epoch}) do reply[#reply + 1] = value end
  end
end)
return reply
`

/** ARGV: node. Reply: 1 when it was there. */
export const leaveNode = `${PRELUDE}
return call('HDEL', P .. 'n', ARGV[1])
`

/** ARGV: channel, message. A user that may not publish loses the hint, nothing else. Reply: 1. */
export const tell = `${PRELUDE}
redis.pcall('PUBLISH', P .. ARGV[1], ARGV[2])
return 1
`

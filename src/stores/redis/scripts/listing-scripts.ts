import { INDEX, PRELUDE, ROWS } from './prelude.js'

/**
 * ARGV: bucket to begin in, least name in it ('' for all), most names, most buckets. Walks the buckets, each in the order of
 * names: an order that no use changes. Names whose value has been evicted leave the index here, and a bucket that has been
 * lost from the orders comes back into them.
 * Reply: {next bucket (8192 at the end), bucket, name, value, bucket, name, value, …}.
 */
export const list = `${PRELUDE}${INDEX}
local function before(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x < y end
  end
  return #a < #b
end
local number, from, limit, last = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[1]) + tonumber(ARGV[4])
local reply, found = {0}, 0
while number < BUCKETS and number < last and found < limit do
  local bucket = bucketName(number)
  local names = call('HKEYS', P .. 'i:' .. bucket)
  if #names > 0 then
    for d = 1, 4 do if not call('ZSCORE', P .. 'x' .. d, bucket) then dirty[bucket] = true end end
    table.sort(names, before)
    for _, name in ipairs(names) do
      if not before(name, from) then
        if found == limit then
          number = number - 1
          break
        end
        local value = call('GET', P .. 'k:' .. name)
        if value then
          found = found + 1
          reply[#reply + 1] = number
          reply[#reply + 1] = name
          reply[#reply + 1] = value
        else
          writeIndex(name, nil)
        end
      end
    end
  end
  number = number + 1
  from = ''
end
settle()
reply[1] = number
return reply
`

/**
 * ARGV: order (1 used, 2 uselessAt), greatest value, limit. The entries with the least values. The first \`limit\` buckets in the
 * order hold them all, and none of them is above the last of these buckets' least value.
 * Reply: {names dropped because their value was evicted, name, variant, body, size, …}.
 */
export const lowest = `${PRELUDE}${ROWS}${INDEX}
local d, cap, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local field = d == 1 and 'used' or 'useless'
local function ascending(a, b) return a[1] < b[1] end
local buckets = call('ZRANGEBYSCORE', P .. 'x' .. d, '-inf', ARGV[2], 'WITHSCORES', 'LIMIT', 0, limit)
if #buckets == 2 * limit then cap = math.min(cap, tonumber(buckets[#buckets])) end
local names = {}
for i = 1, #buckets, 2 do
  local all = call('HGETALL', P .. 'i:' .. buckets[i])
  if #all == 0 then dirty[buckets[i]] = true end
  for j = 1, #all, 2 do
    local least = struct.unpack('>I6', all[j + 1], d * 6 - 5)
    if least <= cap then names[#names + 1] = {least, all[j]} end
  end
end
table.sort(names, ascending)
local rows, evicted = {}, 0
for i = 1, math.min(#names, limit) do
  local name = names[i][2]
  local value = call('GET', P .. 'k:' .. name)
  if not value then
    evicted = evicted + 1
    writeIndex(name, nil)
  end
  for _, row in ipairs(parse(value)) do
    if row[field] <= tonumber(ARGV[2]) then rows[#rows + 1] = {row[field], name, row} end
  end
end
settle()
table.sort(rows, ascending)
local reply = {evicted}
for i = 1, math.min(#rows, limit) do
  local row = rows[i][3]
  reply[#reply + 1] = rows[i][2]
  reply[#reply + 1] = row.variant
  reply[#reply + 1] = row.body
  reply[#reply + 1] = row.size
end
return reply
`

/** Reply: {entries, bytes of entries, bodies, bytes of bodies, oldest or nil, newest or nil}, all as text. */
export const usage = `${PRELUDE}
local c = call('HMGET', P .. 'c', 'n', 'b', 'o', 'p')
local oldest = call('ZRANGE', P .. 'x3', 0, 0, 'WITHSCORES')
local newest = call('ZRANGE', P .. 'x4', 0, 0, 'WITHSCORES')
return {c[1] or '0', c[2] or '0', c[3] or '0', c[4] or '0', oldest[2] or '', newest[2] or ''}
`

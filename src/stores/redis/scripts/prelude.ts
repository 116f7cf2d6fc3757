/**
 * Lua that the scripts share. Every script gets as its one key KEYS[1] = `{strata:<namespace>}:f`; the others are made from its
 * prefix P, and so are all in one hash slot:
 *
 * - `P f`   hash, the fence: e epoch, s seq, l floor, r retired, m number of marks in the log; v run id of the server that took the last
 *   invalidation, j<n> the last seq of reign n (see FENCE)
 * - `P m`   zset, the log of marks: score seq, member seq (6 bytes) + position (3 bytes) + mark
 * - `P k:<name>`  string, all variants of one primary key: format byte, then rows (see `../row.ts`)
 * - `P i:<bucket>`  hash, name → packed {used, uselessAt, oldest, -newest, variants, bytes} of the key, its least values
 * - `P x1` … `P x4`  zsets, bucket → least value of the first … fourth of these in the bucket
 * - `P b:<bucket>`  hash, the ledger: body → msgpack {refs, size, reservedUntil, deadSince, deletingSince or -1}
 * - `P j:<body>`  string, the bytes of a body that is kept with the metadata (`i-…`): it goes with its last reference
 * - `P d`   zset, bodies without reference: score the later of deadSince and reservedUntil
 * - `P g`   zset, bodies being deleted: score deletingSince
 * - `P n`   hash, the nodes: id → end of its lease (ms of this server's clock), seq and epoch it has seen; `@` → run id of the server, ms when
 *   the hash began
 * - `P l:<name>`  string that expires, a fill's lock: `L` or, when somebody waits, `W`, then the holder's token; or `S` and when it was given back, ms
 * - `P u`   zset, names whose fills are not for sharing: score until when, ms
 * - `P c`   hash, counters: n entries, b bytes of entries, o bodies, p bytes of bodies
 *
 * A zset with one member for each entry costs some 145 bytes each; two of them and a ledger would be more than the entry. So
 * names lie in 8,192 buckets that Redis keeps as listpacks (up to 512 names each: good for 4 million keys; more work as well,
 * at the cost of a hash table), and the order over all of them is the order of the buckets' least values.
 */
export const PRELUDE = `
local P = string.sub(KEYS[1], 1, -2)
local call = redis.call
local BUCKETS = 8192

local function bucketName(n) return string.char(math.floor(n / 256), n % 256) end
local function bucketOf(name)
  local h = 0
  if #name == 32 then
    h = string.byte(name, 1) * 256 + string.byte(name, 2)
  else
    for i = 1, #name do h = (h * 31 + string.byte(name, i)) % 65536 end
  end
  return bucketName(h % BUCKETS)
end

-- Written once for the whole script, by \`settle\`.
local counted = {}
local function count(field, by) counted[field] = (counted[field] or 0) + by end
`

/** Invalidations that one server can number: 16 million. */
export const REIGN = 2 ** 24

/**
 * The fence; without it (a flushed or evicted one, or one whose log of marks has gone) a new epoch begins.
 *
 * Reigns: a server that takes an invalidation after another one did (a replica that was promoted, a restart from a snapshot) may lack
 * the last of what the other had acknowledged. It notes the seq that it found, and goes on from the next multiple of 2^24. So no seq
 * is given twice in an epoch, and who has seen one that lies between the two has seen what was lost.
 */
export const FENCE = `
local REIGN = ${REIGN}
local MANY_REIGNS = 64

-- The server's run id; one that does not say who it is has none.
local function runId()
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''
end

local function newEpoch(random)
  call('DEL', P .. 'm', KEYS[1])
  call('HSET', KEYS[1], 'v', runId(), 'e', random, 's', 0, 'l', 0, 'r', 0, 'm', 0)
  return {epoch = random, seq = 0, floor = 0, retired = 0, marks = 0}
end

local function readFence(random)
  local f = call('HMGET', KEYS[1], 'e', 's', 'l', 'r', 'm')
  if f[1] and (f[5] == '0' or call('EXISTS', P .. 'm') == 1) then
    return {epoch = f[1], seq = tonumber(f[2]), floor = tonumber(f[3]), retired = tonumber(f[4]), marks = tonumber(f[5])}
  end
  return newEpoch(random)
end

-- Whether who has seen this seq knows of writes that are not here.
local function hasLost(f, epoch, seen)
  if f.epoch ~= epoch then return false end
  if seen > f.seq then return true end
  local reign = math.floor(seen / REIGN)
  if reign == math.floor(f.seq / REIGN) then return false end
  local last = call('HGET', KEYS[1], 'j' .. reign)
  return not last or seen > tonumber(last)
end

-- Before an invalidation: begins a new reign when another server took the one before.
local function takeOver(f)
  local run, was = runId(), call('HGET', KEYS[1], 'v')
  if run == was then return end
  call('HSET', KEYS[1], 'v', run)
  local reign = math.floor(f.seq / REIGN)
  call('HSET', KEYS[1], 'j' .. reign, f.seq, 's', (reign + 1) * REIGN)
  call('HDEL', KEYS[1], 'j' .. (reign - MANY_REIGNS))
end
`

/** Rows of a primary key's value. What is not such a value has no rows. */
export const ROWS = `
local HEAD = '>I6I4I6I6I5BBI3'
local function parse(value)
  local rows, at = {}, 2
  if not value or string.byte(value, 1) ~= 1 then return rows end
  while at + 31 <= #value do
    local used, hits, useless, born, size, lv, lb, lx, next = struct.unpack(HEAD, value, at)
    local last = next + lv + lb + lx - 1
    if last > #value then break end
    rows[#rows + 1] = {
      at = at, last = last, used = used, hits = hits, useless = useless, born = born, size = size,
      variant = string.sub(value, next, next + lv - 1),
      body = string.sub(value, next + lv, next + lv + lb - 1),
    }
    at = last + 1
  end
  return rows
end

local function join(value, rows)
  local parts = {'\\1'}
  for i, row in ipairs(rows) do parts[i + 1] = row.bytes or string.sub(value, row.at, row.last) end
  return table.concat(parts)
end
`

/** The index of names by use, by usefulness and by age. Call `settle` at the end of every script that writes it, or counts. */
export const INDEX = `
local INDEX = '>I6I6I6I6I2I6'
local dirty = {}

local function summary(rows)
  if #rows == 0 then return nil end
  local s = {math.huge, math.huge, math.huge, 0, #rows, 0}
  for _, row in ipairs(rows) do
    s[1] = math.min(s[1], row.used)
    s[2] = math.min(s[2], row.useless)
    s[3] = math.min(s[3], row.born)
    s[4] = math.max(s[4], row.born)
    s[6] = s[6] + row.size
  end
  return s
end

local function least(packed)
  local used, useless, oldest, newest, variants, bytes = struct.unpack(INDEX, packed)
  return {used, useless, oldest, -newest, variants, bytes}
end

local function writeIndex(name, new)
  local bucket = bucketOf(name)
  local key = P .. 'i:' .. bucket
  local was = call('HGET', key, name)
  local old = was and least(was) or {false, false, false, false, 0, 0}
  if new then
    call('HSET', key, name, struct.pack(INDEX, new[1], new[2], new[3], new[4], new[5], new[6]))
    new[4] = -new[4]
  elseif was then
    call('HDEL', key, name)
    new = {false, false, false, false, 0, 0}
  else
    return
  end
  count('n', new[5] - old[5])
  count('b', new[6] - old[6])
  for d = 1, 4 do
    if old[d] ~= new[d] and not dirty[bucket] then
      local bound = tonumber(call('ZSCORE', P .. 'x' .. d, bucket) or nil)
      if not bound or (bound == old[d] and not (new[d] and new[d] <= bound)) then
        dirty[bucket] = true
      elseif new[d] and new[d] < bound then
        call('ZADD', P .. 'x' .. d, new[d], bucket)
      end
    end
  end
end

local function settle()
  for field, by in pairs(counted) do
    if by ~= 0 and call('HINCRBY', P .. 'c', field, by) < 0 then call('HSET', P .. 'c', field, 0) end
  end
  for bucket in pairs(dirty) do
    local min
    for _, packed in ipairs(call('HVALS', P .. 'i:' .. bucket)) do
      local s = least(packed)
      if min then for d = 1, 4 do if s[d] < min[d] then min[d] = s[d] end end else min = s end
    end
    for d = 1, 4 do
      if min then call('ZADD', P .. 'x' .. d, min[d], bucket) else call('ZREM', P .. 'x' .. d, bucket) end
    end
  end
end
`

/** The ledger of bodies. An empty body name has no row. */
export const LEDGER = `
local function bodyRow(body)
  local packed = call('HGET', P .. 'b:' .. bucketOf(body), body)
  return packed and cmsgpack.unpack(packed)
end

local function saveBody(body, row)
  call('HSET', P .. 'b:' .. bucketOf(body), body, cmsgpack.pack(row))
end

-- When it became an orphan, or will: while the reservation holds it is none.
local function deadAt(row) return math.max(row[3], row[4]) end

local function refer(body, row, size)
  if row[1] == 0 then
    row[2] = size
    call('ZREM', P .. 'd', body)
    count('o', 1)
    count('p', size)
  end
  -- From here on the references keep it; its reservation has done its work.
  row[1], row[3], row[4] = row[1] + 1, 0, 0
  saveBody(body, row)
end

local function drop(body, now)
  local row = body ~= '' and bodyRow(body)
  if not row or row[1] == 0 then return end
  row[1] = row[1] - 1
  if row[1] == 0 and string.sub(body, 1, 2) == 'i-' then
    call('HDEL', P .. 'b:' .. bucketOf(body), body)
    call('DEL', P .. 'j:' .. body)
    count('o', -1)
    count('p', -row[2])
    return
  end
  if row[1] == 0 then
    row[4] = now
    call('ZADD', P .. 'd', deadAt(row), body)
    count('o', -1)
    count('p', -row[2])
  end
  saveBody(body, row)
end
`

import { FENCE, INDEX, LEDGER, PRELUDE, ROWS } from './prelude.js'

/** ARGV: random, name. Reply: {epoch, seq, value or nil}. */
export const lookup = `${PRELUDE}${FENCE}
local f = readFence(ARGV[1])
return {f.epoch, f.seq, call('GET', P .. 'k:' .. ARGV[2])}
`

/**
 * Writes one variant. ARGV: 1 random, 2 now, 3 name, 4 variant, 5 body, 6 size, 7 responseTime, 8 uselessAt, 9 blob,
 * 10 checked epoch, 11 checked seq, 12 stamp epoch, 13 stamp seq, 14 '1' when 15 is expected, '2' when one that is
 * as new stays, 15 expected body, 16 most variants, 17 bytes of an inline body or '', 18 … variants that go. Checks in the
 * order of their reasons.
 * Reply: {'ok'}, {'fence', epoch, seq}, {'expired-stamp'}, {'gone'} or {'body'}.
 */
export const commit = `${PRELUDE}${FENCE}${ROWS}${INDEX}${LEDGER}
local f = readFence(ARGV[1])
if f.epoch ~= ARGV[10] or f.seq ~= tonumber(ARGV[11]) or f.epoch ~= ARGV[12] then return {'fence', f.epoch, f.seq} end
if tonumber(ARGV[13]) < f.retired then return {'expired-stamp'} end

local now, variant, body, size = tonumber(ARGV[2]), ARGV[4], ARGV[5], tonumber(ARGV[6])
local key = P .. 'k:' .. ARGV[3]
local value = call('GET', key)
local rows = parse(value)
local current
for _, row in ipairs(rows) do if row.variant == variant then current = row end end
if ARGV[14] == '1' and not (current and current.body == ARGV[15]) then return {'gone'} end
if ARGV[14] == '2' and current and current.born >= tonumber(ARGV[7]) then return {'gone'} end
local ledger
if body ~= '' then
  ledger = bodyRow(body)
  if not ledger and ARGV[17] ~= '' then ledger = {0, 0, 0, 0, -1} end
  if not ledger or ledger[5] >= 0 then return {'body'} end
end

local goes = {[variant] = true}
for i = 18, #ARGV do goes[ARGV[i]] = true end
local stay, gone = {}, {}
for _, row in ipairs(rows) do table.insert(goes[row.variant] and gone or stay, row) end
table.sort(stay, function(a, b) return a.born < b.born end)
while #stay > 0 and #stay >= tonumber(ARGV[16]) do table.insert(gone, table.remove(stay, 1)) end
local useless, born = tonumber(ARGV[8]), tonumber(ARGV[7])
local used, hits = math.max(born, current and current.used or 0), current and current.hits or 0
local head = struct.pack(HEAD, used, hits, useless, born, size, #variant, #body, #ARGV[9])
table.insert(stay, {used = used, useless = useless, born = born, size = size, bytes = head .. variant .. body .. ARGV[9]})

if ARGV[17] ~= '' then call('SET', P .. 'j:' .. body, ARGV[17], 'NX') end
if ledger then refer(body, ledger, size) end
for _, row in ipairs(gone) do drop(row.body, now) end
call('SET', key, join(value, stay))
writeIndex(ARGV[3], summary(stay))
settle()
return {'ok'}
`

/** ARGV: now, then name, variant, body of each. Reply: how many went. */
export const remove = `${PRELUDE}${ROWS}${INDEX}${LEDGER}
local now, went = tonumber(ARGV[1]), 0
for i = 2, #ARGV, 3 do
  local key = P .. 'k:' .. ARGV[i]
  local value = call('GET', key)
  local stay, found = {}, false
  for _, row in ipairs(parse(value)) do
    if row.variant == ARGV[i + 1] and row.body == ARGV[i + 2] then
      found = true
      drop(row.body, now)
    else
      stay[#stay + 1] = row
    end
  end
  if found then
    went = went + 1
    if #stay == 0 then call('DEL', key) else call('SET', key, join(value, stay)) end
    writeIndex(ARGV[i], summary(stay))
  end
end
settle()
return went
`

/** ARGV: name, variant, hits, at of each: hits are added, the last access only goes forward. Reply: how many are there. */
export const touch = `${PRELUDE}${ROWS}${INDEX}
local there = 0
for i = 1, #ARGV, 4 do
  local key = P .. 'k:' .. ARGV[i]
  local value = call('GET', key)
  local rows = parse(value)
  for _, row in ipairs(rows) do
    if row.variant == ARGV[i + 1] then
      there = there + 1
      row.used = math.max(row.used, tonumber(ARGV[i + 3]))
      row.hits = math.min(row.hits + tonumber(ARGV[i + 2]), 4294967295)
      call('SETRANGE', key, row.at - 1, struct.pack('>I6I4', row.used, row.hits))
      writeIndex(ARGV[i], summary(rows))
    end
  end
end
settle()
return there
`

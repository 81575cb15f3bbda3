-- Commit what became of the input between two cursors, all of it or nothing.
--
-- KEYS checkpoint, lease, output, dead, snapshot, input, forget
-- ARGV  1 holder        2 from cursor     3 to cursor     4 lease owner   5 lease time to live (ms)
--       6 entries read up to `to`         7 1 to go on over a gap         8 1 to trim the input
--       9 outputs      10 dead letters   11 checkpoint items             12 snapshot items
--      13 row ids forgotten
--      then for each output and dead letter: ID, number of items, items; then the items of 11, 12 and 13.
--
-- Every check stands before the first write: a script is not rolled back.
local checkpoint, lease, output, dead, snapshot, input, forget = unpack(KEYS)
local from, to, entries = ARGV[2], ARGV[3], tonumber(ARGV[6])

local state = redis.call('HMGET', checkpoint, 'holder', 'cursor')
if state[1] ~= ARGV[1] then return {'fenced', state[1] or ''} end
if state[2] ~= from then return {'moved', state[2] or ''} end

-- While the entry at the cursor is there, nothing behind it was trimmed. When it is gone, count: all entries
-- ever added are those read, plus those still to come.
local lost = 0
if from ~= to and redis.call('EXISTS', input) == 1 and #redis.call('XRANGE', input, from, from) == 0 then
  local first = redis.call('XRANGE', input, '-', from, 'COUNT', 1)
  if #first == 0 then
    local info, field = redis.call('XINFO', 'STREAM', input), {}
    for i = 1, #info, 2 do field[info[i]] = info[i + 1] end
    local behind = #redis.call('XRANGE', input, '-', to)
    lost = field['entries-added'] - entries - (field['length'] - behind)
    if lost > 0 and ARGV[7] ~= '1' then return {'gap', lost} end
    lost = math.max(lost, 0)
  end
end

local at = 14
local function items()
  local first = at
  at = at + 2 + ARGV[at + 1]
  return ARGV[first], first + 2, at - 1
end
for _ = 1, ARGV[9] do
  local id, first, last = items()
  redis.call('XADD', output, id, unpack(ARGV, first, last))
end
for _ = 1, ARGV[10] do
  local id, first, last = items()
  -- An ID that another writer has passed must not lose the letter.
  local added = redis.pcall('XADD', dead, id, unpack(ARGV, first, last))
  if type(added) == 'table' and added.err then redis.call('XADD', dead, '*', unpack(ARGV, first, last)) end
end
redis.call('HSET', checkpoint, 'cursor', to, 'entries', string.format('%.0f', entries + lost),
  unpack(ARGV, at, at + ARGV[11] - 1))
at = at + ARGV[11]
if ARGV[12] ~= '0' then
  redis.call('HSET', snapshot, 'cursor', to, 'entries', string.format('%.0f', entries + lost),
    unpack(ARGV, at, at + ARGV[12] - 1))
  at = at + ARGV[12]
  if ARGV[8] == '1' then redis.call('XTRIM', input, 'MINID', '~', to) end
end
if ARGV[13] ~= '0' then redis.call('SREM', forget, unpack(ARGV, at, at + ARGV[13] - 1)) end
redis.call('SET', lease, ARGV[4], 'PX', ARGV[5])

-- A consumer group that nobody reads from: it makes XINFO GROUPS show the lag.
local group = redis.pcall('XGROUP', 'SETID', input, 'resampler', to, 'ENTRIESREAD', entries + lost)
if type(group) == 'table' and group.err then
  redis.pcall('XGROUP', 'CREATE', input, 'resampler', to, 'MKSTREAM', 'ENTRIESREAD', entries + lost)
end
return {'ok', lost, redis.call('SCARD', forget)}

-- Commit what became of the input between two cursors, all of it or nothing.
--
-- KEYS checkpoint, lease, output, dead, snapshot, input, forget, forgotten, staged, feeds, drift
--      (`ShardKeys.types`)
-- ARGV  1 holder        2 from cursor     3 to cursor     4 lease owner   5 lease time to live (ms)
--       6 entries read up to `to`         7 1 to go on over a gap         8 1 to trim the input
--       9 outputs      10 dead letters   11 checkpoint items             12 snapshot items
--      13 row ids forgotten              14 staged parts of the snapshot 15 rows written before this commit
--      16 the types that the keys must be of                            17 1 to begin counts against a version anew
--      18 items of such counts           19 fields of them that are let go
--      then for each output and dead letter: ID, number of items, items; then the items of 11 and 12, those of 18, the
--      fields of 19, the row ids of 13 and the record of them.
--
-- Every check stands before the first write: a script is not rolled back.
local checkpoint, lease, output, dead, snapshot, input, forget, forgotten, staged, _, drift = unpack(KEYS)
local from, to, entries, over_gap = ARGV[2], ARGV[3], tonumber(ARGV[6]), ARGV[7] == '1'
local has_snapshot = ARGV[12] ~= '0'

local exists, i = {}, 0
for wanted in string.gmatch(ARGV[16], '%a+') do
  i = i + 1
  local key = KEYS[i]
  local found = redis.call('TYPE', key).ok
  exists[key] = found ~= 'none'
  if exists[key] and found ~= wanted then return {'type', key, found, wanted} end
end

local state = redis.call('HMGET', checkpoint, 'holder', 'cursor')
if state[1] ~= ARGV[1] then return {'fenced', state[1] or ''} end
if state[2] ~= from then return {'moved', state[2] or ''} end

-- Output that is gone takes with it what no feed has read.
if not exists[output] and ARGV[15] ~= '0' and not over_gap then return {'output', ARGV[15]} end

-- Whether one entry ID is not higher than another; Lua's numbers are too short for them.
local function not_after(a, b)
  local a_ms, a_seq = string.match(a, '(%d+)-(%d+)')
  local b_ms, b_seq = string.match(b, '(%d+)-(%d+)')
  if a_ms ~= b_ms then return #a_ms < #b_ms or (#a_ms == #b_ms and a_ms < b_ms) end
  return #a_seq < #b_seq or (#a_seq == #b_seq and a_seq <= b_seq)
end

local function info(key)
  local reply, field = redis.call('XINFO', 'STREAM', key), {}
  for i = 1, #reply, 2 do field[reply[i]] = reply[i + 1] end
  return field
end

-- All entries ever added are those read up to `to` and those still to come; where that is not so, entries were lost, or
-- (a negative number) the stream was deleted or renamed and another stands in its place.
local lost, added, length, first = 0, 0, 0, nil
if exists[input] then
  local stands = info(input)
  added, length = stands['entries-added'], stands['length']
  first = stands['first-entry'] and stands['first-entry'][1]
end
if from ~= to then
  -- While an entry at or before the cursor is there, nothing behind it was trimmed.
  if not (added >= entries and first and not_after(first, from)) then
    local behind, start, page = 0, '-', nil
    repeat
      page = exists[input] and redis.call('XRANGE', input, start, to, 'COUNT', 1000) or {}
      behind = behind + #page
      if #page > 0 then start = '(' .. page[#page][1] end
    until #page < 1000
    lost = added - (length - behind) - entries
  end
  -- A gap that is passed comes with a snapshot: no later start need replay across it.
  if lost ~= 0 and not (over_gap and has_snapshot) then return {'gap', lost} end
end

if ARGV[14] ~= '0' and redis.call('HLEN', staged) ~= tonumber(ARGV[14]) then return {'unstaged'} end
if ARGV[10] ~= '0' and exists[dead] then
  local last = info(dead)['last-generated-id']
  if last == '18446744073709551615-18446744073709551615' then return {'refused', dead, 'its last ID is the highest', last} end
end

local at = 20
local function items()
  local first = at
  at = at + 2 + ARGV[at + 1]
  return ARGV[first], first + 2, at - 1
end
for i = 1, ARGV[9] do
  local id, first, last = items()
  local done = redis.pcall('XADD', output, id, unpack(ARGV, first, last))
  if type(done) == 'table' and done.err then
    -- Nothing is written yet if it is the first, and none fails behind it: IDs only grow, and whether there is memory
    -- was decided when the script began.
    if i > 1 then error(done.err) end
    return string.find(done.err, 'equal or smaller') and {'refused', output, done.err, info(output)['last-generated-id']}
      or done
  end
end
for _ = 1, ARGV[10] do
  local id, first, last = items()
  -- An ID that another writer has passed must not lose the letter.
  local done = redis.pcall('XADD', dead, id, unpack(ARGV, first, last))
  if type(done) == 'table' and done.err then redis.call('XADD', dead, '*', unpack(ARGV, first, last)) end
end
local counted = string.format('%.0f', entries + lost)
local time = redis.call('TIME')
redis.call('HSET', checkpoint, 'cursor', to, 'entries', counted, 'time', time[1] .. '.' .. string.format('%06d', time[2]),
  unpack(ARGV, at, at + ARGV[11] - 1))
at = at + ARGV[11]
-- The count begins anew with another stream: what was read since the start stays the difference of the two.
if lost < 0 then redis.call('HINCRBY', checkpoint, 'start_entries', lost) end
if has_snapshot then
  if ARGV[14] ~= '0' then redis.call('RENAME', staged, snapshot) else redis.call('UNLINK', snapshot, staged) end
  redis.call('HSET', snapshot, 'cursor', to, 'entries', counted, unpack(ARGV, at, at + ARGV[12] - 1))
  at = at + ARGV[12]
  if ARGV[8] == '1' and exists[input] then redis.call('XTRIM', input, 'MINID', '~', to) end
end
if ARGV[17] == '1' then redis.call('UNLINK', drift) end
if ARGV[18] ~= '0' then
  redis.call('HSET', drift, unpack(ARGV, at, at + ARGV[18] - 1))
  at = at + ARGV[18]
end
if ARGV[19] ~= '0' then
  redis.call('HDEL', drift, unpack(ARGV, at, at + ARGV[19] - 1))
  at = at + ARGV[19]
end
if ARGV[13] ~= '0' then
  local ids = {unpack(ARGV, at, at + ARGV[13] - 1)}
  at = at + ARGV[13]
  redis.call('SREM', forget, unpack(ids))
  redis.call('RPUSH', forgotten, ARGV[at])
end
redis.call('SET', lease, ARGV[4], 'PX', ARGV[5])

-- A consumer group that nobody reads from: it makes XINFO GROUPS show the lag. A deleted input is not made anew for it.
if exists[input] then
  local group = redis.pcall('XGROUP', 'SETID', input, 'resampler', to, 'ENTRIESREAD', counted)
  if type(group) == 'table' and group.err then
    redis.pcall('XGROUP', 'CREATE', input, 'resampler', to, 'ENTRIESREAD', counted)
  end
end

-- How many entries are no longer there tells the worker whether somebody trims.
return {'ok', lost, redis.call('SCARD', forget), added - redis.call('XLEN', input)}

-- Trim what nobody needs any more: output behind the slowest reader, input behind the snapshot. The entry at a reader's
-- place stays, as the proof that nothing behind it was trimmed.
-- KEYS input, output, snapshot, feeds   ARGV 1 to trim an output that has no reader
-- Returns for the input and then for the output: entries trimmed, the oldest ID kept ('' if nothing may be trimmed),
-- what it is kept for ('snapshot', 'feed', 'group', 'newest'; 'nothing' where nobody says what is needed, 'absent' where
-- there is no stream), and the name of that reader.
local input, output, snapshot, feeds = unpack(KEYS)

local function digits_below(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end
-- IDs are text: their halves have 64 bits, which Lua's numbers do not hold.
local function below(a, b)
  local a_ms, a_seq = string.match(a, '^(%d+)%-(%d+)$')
  local b_ms, b_seq = string.match(b, '^(%d+)%-(%d+)$')
  if a_ms ~= b_ms then return digits_below(a_ms, b_ms) end
  return digits_below(a_seq, b_seq)
end

local function fields_of(reply)
  local field = {}
  for i = 1, #reply, 2 do field[reply[i]] = reply[i + 1] end
  return field
end

-- The slowest of some readers: kept = {ID, kind, name}, or {} while there is none.
local function hold(kept, id, kind, name)
  if not kept[1] or below(id, kept[1]) then return {id, kind, name} end
  return kept
end
local function hold_for_groups(kept, key, ours)
  for _, reply in ipairs(redis.call('XINFO', 'GROUPS', key)) do
    local group = fields_of(reply)
    if group['name'] ~= ours then
      local id = group['last-delivered-id']
      if group['pending'] > 0 then id = redis.call('XPENDING', key, group['name'])[2] end
      kept = hold(kept, id, 'group', group['name'])
    end
  end
  return kept
end
local function trim(key, kept)
  if redis.call('EXISTS', key) == 0 then return {0, '', 'absent', ''} end
  if not kept[1] then return {0, '', 'nothing', ''} end
  return {redis.call('XTRIM', key, 'MINID', kept[1]), kept[1], kept[2], kept[3]}
end

local from_input, from_output = {}, {}
if redis.call('EXISTS', input) == 1 then
  local cursor = redis.call('HGET', snapshot, 'cursor')
  if cursor then from_input = hold_for_groups({cursor, 'snapshot', ''}, input, 'resampler') end
end
if redis.call('EXISTS', output) == 1 then
  local places = redis.call('HGETALL', feeds)
  for i = 1, #places, 2 do
    from_output = hold(from_output, string.match(places[i + 1], '^(%d+%-%d+)') or '0-0', 'feed', places[i])
  end
  from_output = hold_for_groups(from_output, output, '')
  if from_output[1] or ARGV[1] == '1' then
    local newest = fields_of(redis.call('XINFO', 'STREAM', output))['last-generated-id']
    from_output = hold(from_output, newest, 'newest', '')
  end
end
return {trim(input, from_input), trim(output, from_output)}

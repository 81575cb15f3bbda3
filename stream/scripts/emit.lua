-- Write a decision to a stream, unless it stands among the newest already.
-- KEYS stream   ARGV key of the run, how many entries are looked at and about how many are kept, the decision
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'none' and kind ~= 'stream' then return {'type', kind} end
if kind == 'stream' then
  for _, entry in ipairs(redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', ARGV[2])) do
    if entry[2][1] == 'key' and entry[2][2] == ARGV[1] then return {'ok', entry[1]} end
  end
end
return {'ok', redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'key', ARGV[1], 'decision', ARGV[4])}

-- Write a shard's first checkpoint, unless it has one or the writer is fenced.
-- KEYS checkpoint   ARGV holder, field, value, ...
if redis.call('HGET', KEYS[1], 'holder') ~= ARGV[1] then
  return 0
end
if redis.call('HEXISTS', KEYS[1], 'cursor') == 0 then
  redis.call('HSET', KEYS[1], unpack(ARGV, 2))
end
return 1

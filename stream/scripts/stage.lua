-- Put aside a part of a snapshot that is too large for one commit; the first part drops what an earlier try has left.
-- KEYS checkpoint, staged   ARGV holder, number of the part, field, value
if redis.call('HGET', KEYS[1], 'holder') ~= ARGV[1] then
  return 0
end
if ARGV[2] == '0' then redis.call('DEL', KEYS[2]) end
redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
return 1

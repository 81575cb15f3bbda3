-- Keep a lease while there is nothing to commit.
-- KEYS lease, checkpoint   ARGV owner, time to live (ms), holder
if redis.call('HGET', KEYS[2], 'holder') ~= ARGV[3] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1

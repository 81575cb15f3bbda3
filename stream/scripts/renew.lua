-- Keep a lease, unless another worker has taken the shard or the lease was given back.
-- KEYS lease, checkpoint   ARGV owner, time to live (ms), holder
if redis.call('HGET', KEYS[2], 'holder') ~= ARGV[3] then
  return 0
end
-- A server without memory left still moves an expiry, and refuses SET.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return 1

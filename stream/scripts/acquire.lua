-- Take a shard's lease, or tell who has it. A new epoch fences every earlier owner.
-- KEYS lease, checkpoint   ARGV owner, time to live (ms), dead owner whose lease may be taken ('' for none)
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] and owner ~= ARGV[3] then
  return {0, owner}
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local epoch = redis.call('HINCRBY', KEYS[2], 'epoch', 1)
redis.call('HSET', KEYS[2], 'holder', epoch .. ' ' .. ARGV[1])
return {1, redis.call('HGET', KEYS[2], 'holder')}

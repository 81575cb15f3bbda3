-- Give a lease back; do nothing if it is another's by now. Without a holder, a renewal under way cannot take it again.
-- KEYS lease, checkpoint   ARGV owner, holder
if redis.call('HGET', KEYS[2], 'holder') == ARGV[2] then
  redis.call('HDEL', KEYS[2], 'holder')
end
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
  return 1
end
return 0

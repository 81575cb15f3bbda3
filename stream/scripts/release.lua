-- Give a lease back; do nothing if it is another's by now.
-- KEYS lease   ARGV owner
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
  return 1
end
return 0

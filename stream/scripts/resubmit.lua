-- Move a dead letter back to the input; do nothing if it is gone.
-- KEYS dead, input   ARGV ID, name, value, ...
if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then
  return 0
end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 2))
redis.call('XDEL', KEYS[1], ARGV[1])
return 1

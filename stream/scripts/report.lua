-- Report that a worker lives, and tell which do. All times are this server's: the workers' clocks may differ.
-- KEYS workers   ARGV worker, seconds after which one that has not reported counts as dead
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('ZADD', KEYS[1], string.format('%.6f', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.6f', now - ARGV[2]))
-- A time to come is that of a clock that ran ahead: whoever lives reports again.
redis.call('ZREMRANGEBYSCORE', KEYS[1], string.format('(%.6f', now), '+inf')
return redis.call('ZRANGE', KEYS[1], 0, -1)

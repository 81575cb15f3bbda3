-- Look at an output stream from a feed's place, all at one moment.
-- KEYS output, checkpoint   ARGV ID of the last entry read
-- Returns length, entries ever added, newest ID ever added, newest ID ever deleted by XDEL, whether the entry at the
-- place is there, ID of the next entry ('' for none), rows ever written ('' if no worker has begun the stream).
local output, checkpoint, place = KEYS[1], KEYS[2], ARGV[1]
local field = {['length'] = 0, ['entries-added'] = 0, ['last-generated-id'] = '0-0', ['max-deleted-entry-id'] = '0-0'}
if redis.call('EXISTS', output) == 1 then
  field['entries-added'] = -1 -- what a server before 7.0 does not tell
  local info = redis.call('XINFO', 'STREAM', output)
  for i = 1, #info, 2 do field[info[i]] = info[i + 1] end
end
local following = redis.call('XRANGE', output, '(' .. place, '+', 'COUNT', 1)
return {
  field['length'], field['entries-added'], field['last-generated-id'], field['max-deleted-entry-id'],
  #redis.call('XRANGE', output, place, place), #following > 0 and following[1][1] or '',
  redis.call('HGET', checkpoint, 'emitted') or ''
}

-- KEYS[1]: where the hints of a node are counted. Returns how many it was given, from where they began.
local count = redis.call('HGET', KEYS[1], 'count')
if not count then
  local time = redis.call('TIME')
  count = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
  redis.call('HSET', KEYS[1], 'count', count)
end
redis.call('PEXPIRE', KEYS[1], 86400000)
return tonumber(count)

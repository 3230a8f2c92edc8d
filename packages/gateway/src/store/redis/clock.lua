-- Time that the store has counted, ms: what Redis' clock says has passed since the call before, and at most two
-- seconds of it. A jump of that clock, a pause of Redis and a failover to a server with another clock end no lease.
local MOST_STEP = 2000

local function counted(key)
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local known = redis.call('HMGET', key, 'last', 'elapsed')
  local last = tonumber(known[1]) or now
  local elapsed = tonumber(known[2]) or 0
  -- No number that time could have counted to: somebody else wrote it. Not a number is not even equal to itself.
  if elapsed ~= elapsed or elapsed < 0 or elapsed > 1e15 then elapsed = 0 end
  if now == last and known[1] then return elapsed end
  elapsed = elapsed + math.max(0, math.min(MOST_STEP, now - last))
  redis.call('HSET', key, 'last', now, 'elapsed', elapsed)
  return elapsed
end

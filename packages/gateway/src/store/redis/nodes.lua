-- Nodes that share the store: id -> what they say of themselves, and by which counted time they are silent too long.
local CLOCK, NODES, LEASES = KEYS[1], KEYS[2], KEYS[3]
local OPERATION = ARGV[1]

local now = counted(CLOCK)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('ZREM', LEASES, id)
  redis.call('HDEL', NODES, id)
end

if OPERATION == 'beat' then
  redis.call('HSET', NODES, ARGV[2], ARGV[3])
  redis.call('ZADD', LEASES, now + tonumber(ARGV[4]), ARGV[2])
elseif OPERATION == 'leave' then
  redis.call('HDEL', NODES, ARGV[2])
  redis.call('ZREM', LEASES, ARGV[2])
else
  return redis.call('HVALS', NODES)
end

-- Adds a revocation, or puts a later one in the place of an earlier, if there is what the writer saw.
--
-- KEYS: state, revocations by field, their order, their ends, marks.
-- ARGV: a text made up; field; what was seen ('': nothing); what is written; its end, and before when the ends of others
-- are over, epoch ms. Others go when the clock of the writer and that of Redis both say so: neither is believed alone.
-- Returns 1 or 0.
if (redis.call('HGET', KEYS[2], ARGV[2]) or '') ~= ARGV[3] then return 0 end
local time = redis.call('TIME')
local before = math.min(tonumber(ARGV[6]), tonumber(time[1]) * 1000 - 3600000)
for _, field in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', string.format('%.0f', before), 'LIMIT', 0, 100)) do
  redis.call('HDEL', KEYS[2], field)
  redis.call('ZREM', KEYS[3], field)
  redis.call('ZREM', KEYS[4], field)
end
local _, changes = move('revoked', ARGV[1])
local serial = string.format('%.0f', changes)
redis.call('HSET', KEYS[2], ARGV[2], ARGV[4])
redis.call('ZADD', KEYS[3], serial, ARGV[2])
redis.call('ZADD', KEYS[4], ARGV[5], ARGV[2])
redis.call('ZADD', KEYS[5], serial, ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[5], 0, -1001)
return 1

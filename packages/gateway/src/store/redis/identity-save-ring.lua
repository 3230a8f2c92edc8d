-- Writes the key ring if it is the one the writer saw.
--
-- KEYS: state, ring. ARGV: a text made up; the ring; the version that was seen ('': none). Returns 1 or 0.
if (redis.call('HGET', KEYS[2], 'version') or '') ~= ARGV[3] then return 0 end
local version = move('ring', ARGV[1])
redis.call('HSET', KEYS[2], 'version', version, 'sealed', ARGV[2])
return 1

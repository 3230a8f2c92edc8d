-- Changes fields of a hash if all of them are what the writer saw.
--
-- KEYS: state, the hash. ARGV: a text made up; what is changed; then of each field its name, what was seen, what is
-- written ('': nothing). Returns 1, or 0 when something else is there.
for i = 3, #ARGV, 3 do
  if (redis.call('HGET', KEYS[2], ARGV[i]) or '') ~= ARGV[i + 1] then return 0 end
end
for i = 3, #ARGV, 3 do
  if ARGV[i + 2] == '' then
    redis.call('HDEL', KEYS[2], ARGV[i])
  else
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 2])
  end
end
move(ARGV[2], ARGV[1])
return 1

-- ARGV: epoch if it begins anew; how long it is kept, ms; three for hints; mark; bytes; sealed text; most messages; most
-- bytes; among how many of the newest the same mark is the same message, 0 for one that nobody had before; whether it has to
-- be known; node that appends.
-- Returns epoch, offset, how many were dropped, about, reader.
local epoch, newest, count = current()
if ARGV[12] == '1' and not epoch then return { '', 0, 0, '', '' } end
epoch, newest, count = use(ARGV[1], ARGV[2], epoch, newest, count)
local about, reader = factsOf()
local looked = math.min(count, tonumber(ARGV[11]))
for i = 1, looked do
  if markOf(redis.call('LINDEX', KEYS[2], -i)) == ARGV[6] then
    return { epoch, newest - i + 1, 0, about, reader }
  end
end
redis.call('RPUSH', KEYS[2], string.format('%.0f', now) .. ' ' .. ARGV[7] .. ' ' .. ARGV[6] .. ' ' .. ARGV[8])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
newest = redis.call('HINCRBY', KEYS[1], 'newest', 1)
local bytes = redis.call('HINCRBY', KEYS[1], 'bytes', ARGV[7])
local over = math.max(0, count + 1 - tonumber(ARGV[9]))
local left = bytes
local most = tonumber(ARGV[10])
local dropped = 0
while dropped < over or (left > most and dropped < count) do
  left = left - (tonumber(string.match(redis.call('LINDEX', KEYS[2], dropped), '^%d+ (%d+) ')) or 0)
  dropped = dropped + 1
end
dropFirst(dropped)
if string.match(reader, '^%S+') ~= ARGV[13] then tell(reader, newest) end
return { epoch, newest, dropped, about, reader }

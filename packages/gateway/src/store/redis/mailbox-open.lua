-- ARGV: epoch if it begins anew; how long it is kept, ms; three for hints; whether about is given, and what it is; whether
-- a reader is, and who. Returns epoch, offset and mark of the newest message, about, and who read it before.
local epoch, newest, count = use(ARGV[1], ARGV[2], current())
local about, before = factsOf()
if ARGV[6] == '1' then
  about = ARGV[7]
  redis.call('HSET', KEYS[1], 'about', about)
end
if ARGV[8] == '1' and ARGV[9] ~= before then
  redis.call('HSET', KEYS[1], 'reader', ARGV[9])
  if string.match(before, '^%S+') ~= string.match(ARGV[9], '^%S+') then tell(before, 0) end
end
return { epoch, newest, newestMark(count), about, before }

-- ARGV: two that are not used, three for hints.
local _, reader = factsOf()
redis.call('DEL', KEYS[1], KEYS[2])
tell(reader, 0)
return 0

-- ARGV: a place: epoch, offset, mark. Returns how many messages went.
local epoch, newest, count = current()
if not epoch then return 0 end
local read = upTo(epoch, newest, count, ARGV[1], tonumber(ARGV[2]), ARGV[3]) or 0
dropFirst(read)
return read

-- ARGV: most messages; then a place, if there is one: epoch, offset, mark. Returns epoch, offset of the newest, whether
-- everything after the place is there, offset of the first message that is told, mark of the one
-- before it, about, reader, then messages.
local epoch, newest, count = current()
if not epoch then return { '', 0, #ARGV == 1 and 1 or 0, 1, '', '', '' } end
local read = 0
local isComplete = 1
if #ARGV > 1 then
  local known = upTo(epoch, newest, count, ARGV[2], tonumber(ARGV[3]), ARGV[4])
  read = known or 0
  isComplete = known and 1 or 0
end
local before
if read > 0 then
  before = markOf(redis.call('LINDEX', KEYS[2], read - 1))
else
  before = redis.call('HGET', KEYS[1], 'before') or ''
end
local answer = { epoch, newest, isComplete, newest - count + 1 + read, before, factsOf() }
if tonumber(ARGV[1]) > 0 then
  for _, letter in ipairs(redis.call('LRANGE', KEYS[2], read, read + tonumber(ARGV[1]) - 1)) do
    answer[#answer + 1] = letter
  end
end
return answer

-- Revocations that were added after a cursor, a page of them.
--
-- KEYS: state, revocations by field, their order, marks.
-- ARGV: number and text of the cursor; number to read from; how many at most.
--
-- A cursor is known when its text is among the marks (the newest thousand) under its number; the text '' is that of a
-- store where nothing was revoked yet. Returns whether it is known (otherwise this is the first page of all there is), the
-- cursor of now, the number read last ('': no more), then fields and values.
local head = redis.call('HGET', KEYS[1], 'revoked') or '0.'
local isKnown = ARGV[2] == '' and ARGV[1] == '0'
if not isKnown then
  local mark = redis.call('ZSCORE', KEYS[4], ARGV[2])
  isKnown = mark and tonumber(mark) == tonumber(ARGV[1])
end
local from = isKnown and ARGV[3] or '0'
local listed = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. from, '+inf', 'WITHSCORES', 'LIMIT', 0, tonumber(ARGV[4]))
local answer = { isKnown and 1 or 0, head, listed[#listed] or '' }
for i = 1, #listed, 2 do
  local value = redis.call('HGET', KEYS[2], listed[i])
  if value then
    answer[#answer + 1] = listed[i]
    answer[#answer + 1] = value
  end
end
return answer

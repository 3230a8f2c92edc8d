-- A mailbox: KEYS[1] what is known of it, KEYS[2] its messages, the oldest first, KEYS[3] beginning of the keys that count
-- the hints of each node. ARGV[3] to ARGV[5] are for hints: beginning of the channels, group, box. One message follows the other without a gap, so
-- that the place in the list tells the offset. A message is `<appended at, ms> <bytes> <mark> <sealed text>`.
--
-- Ages are counted by the clock of Redis. A jump of it makes messages older, or younger: what goes early is told as what
-- was dropped is.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function markOf(letter)
  return string.match(letter, '^%d+ %d+ ([%w_-]+) ') or ''
end

local function dropFirst(count)
  if count < 1 then return end
  local bytes, mark = 0, ''
  for _, letter in ipairs(redis.call('LRANGE', KEYS[2], 0, count - 1)) do
    local size
    size, mark = string.match(letter, '^%d+ (%d+) ([%w_-]+) ')
    bytes = bytes + (tonumber(size) or 0)
  end
  redis.call('LTRIM', KEYS[2], count, -1)
  if bytes > 0 then redis.call('HINCRBY', KEYS[1], 'bytes', -bytes) end
  redis.call('HSET', KEYS[1], 'before', mark or '')
end

-- What is too old is gone. Returns epoch, offset of the newest, number of messages; nothing when there is no mailbox.
local function current()
  local known = redis.call('HMGET', KEYS[1], 'epoch', 'newest', 'keep')
  if not known[1] then
    redis.call('DEL', KEYS[2])
    return nil
  end
  local oldest = now - tonumber(known[3])
  local count = redis.call('LLEN', KEYS[2])
  local old = 0
  while old < count do
    local letter = redis.call('LINDEX', KEYS[2], old)
    if tonumber(string.match(letter, '^%d+') or 0) > oldest then break end
    old = old + 1
  end
  dropFirst(old)
  return known[1], tonumber(known[2]), count - old
end

-- A mailbox that is used from now on, made where there is none; the last three are what `current` said of it.
local function use(epoch, keep, found, newest, count)
  if not found then
    found, newest, count = epoch, 0, 0
    redis.call('HSET', KEYS[1], 'epoch', epoch, 'newest', 0, 'bytes', 0, 'before', '', 'keep', keep)
  else
    redis.call('HSET', KEYS[1], 'keep', keep)
  end
  redis.call('PEXPIRE', KEYS[1], keep)
  redis.call('PEXPIRE', KEYS[2], keep)
  return found, newest, count
end

local function newestMark(count)
  if count == 0 then return redis.call('HGET', KEYS[1], 'before') end
  return markOf(redis.call('LINDEX', KEYS[2], -1))
end

-- How many messages lie up to and with a place; nothing when it is none of this mailbox, or some after it are gone.
local function upTo(epoch, newest, count, placeEpoch, offset, mark)
  local first = newest - count + 1
  if placeEpoch ~= epoch or offset < first - 1 or offset > newest then return nil end
  local there
  if offset == first - 1 then
    there = redis.call('HGET', KEYS[1], 'before')
  else
    there = markOf(redis.call('LINDEX', KEYS[2], offset - first))
  end
  if there ~= mark then return nil end
  return offset - first + 1
end

local function factsOf()
  local known = redis.call('HMGET', KEYS[1], 'about', 'reader')
  return known[1] or '', known[2] or ''
end

-- Hints begin at the time: after a loss of what was known their count is another one than before.
local function tell(reader, offset)
  local node = string.match(reader, '^(%S+) ')
  if not node then return end
  local key = KEYS[3] .. node
  if not redis.call('HGET', key, 'count') then
    redis.call('HSET', key, 'count', string.format('%.0f', now))
    redis.call('PEXPIRE', key, 86400000)
  end
  local count = redis.call('HINCRBY', key, 'count', 1)
  redis.call('PUBLISH', ARGV[3] .. node,
    ARGV[4] .. ' ' .. string.format('%.0f', count) .. ' ' .. string.format('%.0f', offset) .. ' ' .. ARGV[5])
end

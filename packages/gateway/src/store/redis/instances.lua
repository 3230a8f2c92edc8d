-- Instances in Redis: one script for each call of the port, which is the first argument. All keys have one hash tag.
--
-- records       id -> sealed record: opaque here, but for its first 43 characters, which differ as records do
-- holders       id -> claim (JSON), line feed, service
-- leases        id, by the counted time at which its lease ends
-- members       service, line feed, id: sorted, so that those of a service stand together
-- ranks         service -> rank
-- drains        id -> sealed drain
-- remembered    service -> sealed record of its last instance
-- rememberedAt  service, by the counted time at which its last instance went
-- meta          revision; lastRank
-- hash          over all changes up to the revision
-- log           the latest changes: 40 characters of the hash after it, then what it was as JSON
local CLOCK, META, HASH, RECORDS, HOLDERS, LEASES = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local MEMBERS, RANKS, DRAINS, REMEMBERED, REMEMBERED_AT, LOG = KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12]
local OPERATION, CHANNEL, SEED = ARGV[1], ARGV[2], ARGV[3]

local MOST_CHANGES = 4096
local DIGEST = 40
local SEAL = 43
-- What one call may clean up: the rest follows with the next.
local MOST_LAPSED = 1000
local MOST_FORGOTTEN = 100

-- A count of ours; nothing when somebody else wrote there what is none.
local function count(field)
  local text = redis.call('HGET', META, field) or '0'
  return string.match(text, '^%d+$') and #text < 16 and tonumber(text)
end

local now = counted(CLOCK)
local revision = count('revision') or 0
local hash = redis.call('GET', HASH)
if not hash then
  -- An empty store, or one that was emptied: what anybody has seen of the one before is of another.
  hash = SEED
  redis.call('SET', HASH, hash)
end
local changed = false

local function moved(...)
  local word = cjson.encode({ ... })
  hash = redis.sha1hex(hash .. word)
  revision = revision + 1
  changed = true
  redis.call('RPUSH', LOG, hash .. word)
end

local function tell()
  if not changed then return end
  redis.call('HSET', META, 'revision', revision)
  redis.call('SET', HASH, hash)
  redis.call('LTRIM', LOG, -MOST_CHANGES, -1)
  redis.call('PUBLISH', CHANNEL, revision)
end

-- Others may have written what nobody of us would have: it is none's, and goes as what lapsed does.
local function split(holder)
  local at = string.find(holder, '\n', 1, true)
  if not at then return holder, '' end
  return string.sub(holder, 1, at - 1), string.sub(holder, at + 1)
end

local function first(service) return '[' .. service .. '\n' end
local function behind(service) return '(' .. service .. '\11' end

local function remove(id, service)
  redis.call('HDEL', RECORDS, id)
  redis.call('HDEL', HOLDERS, id)
  redis.call('HDEL', DRAINS, id)
  redis.call('ZREM', LEASES, id)
  redis.call('ZREM', MEMBERS, service .. '\n' .. id)
end

local function finish(id, holder, how, reason)
  local claim, service = split(holder)
  local record = redis.call('HGET', RECORDS, id)
  remove(id, service)
  if record and redis.call('ZLEXCOUNT', MEMBERS, first(service), behind(service)) == 0 then
    redis.call('HSET', REMEMBERED, service, record)
    redis.call('ZADD', REMEMBERED_AT, now, service)
  end
  moved('gone', id, service, claim, how, reason, now)
end

-- The holder of an instance, if the lease is not over.
local function held(id, holder)
  local listed = redis.call('HGET', HOLDERS, id)
  local ends = listed == holder and tonumber(redis.call('ZSCORE', LEASES, id))
  return ends and ends > now
end

local function newRank(service)
  -- Counted anew, behind all there are.
  if not count('lastRank') then
    local last = 0
    for _, known in ipairs(redis.call('HVALS', RANKS)) do
      if string.match(known, '^%d+$') and #known < 16 then last = math.max(last, tonumber(known)) end
    end
    redis.call('HSET', META, 'lastRank', string.format('%.0f', last))
  end
  local rank = redis.call('HINCRBY', META, 'lastRank', 1)
  redis.call('HSET', RANKS, service, rank)
  return rank
end

local operations = {}

function operations.put(id, service, holder, record, lease)
  local before = redis.call('HGET', HOLDERS, id)
  if before then
    local _, was = split(before)
    if was ~= service then finish(id, before, 'left', 'it registered under another name') end
  end
  local rank = redis.call('HGET', RANKS, service) or newRank(service)
  redis.call('HDEL', REMEMBERED, service)
  redis.call('ZREM', REMEMBERED_AT, service)
  redis.call('HSET', RECORDS, id, record)
  redis.call('HSET', HOLDERS, id, holder)
  redis.call('ZADD', LEASES, now + tonumber(lease), id)
  redis.call('ZADD', MEMBERS, 0, service .. '\n' .. id)
  moved('instance', id, string.sub(record, 1, SEAL), tonumber(rank))
end

function operations.amend(id, holder, record)
  if not held(id, holder) then return 0 end
  redis.call('HSET', RECORDS, id, record)
  moved('instance', id, string.sub(record, 1, SEAL))
  return 1
end

-- lease, then ids and claims in turn. Answers with the places of those that are lost, from 1.
function operations.renew(lease, ...)
  local asked = { ... }
  local ids = {}
  for i = 1, #asked, 2 do ids[#ids + 1] = asked[i] end
  local holders = redis.call('HMGET', HOLDERS, unpack(ids))
  local ends = redis.call('ZMSCORE', LEASES, unpack(ids))
  local lost, renewed = {}, {}
  local till = now + tonumber(lease)
  for i, id in ipairs(ids) do
    local claim = asked[i * 2] .. '\n'
    if holders[i] and ends[i] and tonumber(ends[i]) > now and string.sub(holders[i], 1, #claim) == claim then
      renewed[#renewed + 1] = till
      renewed[#renewed + 1] = id
    else
      lost[#lost + 1] = i
    end
  end
  if #renewed > 0 then redis.call('ZADD', LEASES, 'XX', unpack(renewed)) end
  return lost
end

function operations.release(id, claim, reason)
  local holder = redis.call('HGET', HOLDERS, id)
  if not holder or split(holder) ~= claim or not held(id, holder) then return end
  finish(id, holder, 'left', reason)
end

-- An empty drain ends it.
function operations.drain(id, drain)
  if redis.call('HEXISTS', HOLDERS, id) == 0 then return 0 end
  if drain == '' then redis.call('HDEL', DRAINS, id) else redis.call('HSET', DRAINS, id, drain) end
  moved('instance', id, string.sub(drain, 1, SEAL))
  return 1
end

local function membersOf(service)
  local ids = {}
  for i, member in ipairs(redis.call('ZRANGEBYLEX', MEMBERS, first(service), behind(service))) do
    ids[i] = string.sub(member, #service + 2)
  end
  return ids
end

function operations.forget(service)
  for _, id in ipairs(membersOf(service)) do remove(id, service) end
  redis.call('HDEL', REMEMBERED, service)
  redis.call('ZREM', REMEMBERED_AT, service)
  redis.call('HDEL', RANKS, service)
  moved('forgotten', service)
end

function operations.rerank(service, from)
  if redis.call('HGET', RANKS, service) ~= from then return end
  local rank = newRank(service)
  for _, id in ipairs(membersOf(service)) do moved('instance', id, '', rank) end
end

local function cleanUp(remember)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, MOST_LAPSED)) do
    local holder = redis.call('HGET', HOLDERS, id)
    if holder then finish(id, holder, 'lapsed', 'its lease ran out') else redis.call('ZREM', LEASES, id) end
  end
  local old = redis.call('ZRANGEBYSCORE', REMEMBERED_AT, '-inf', '(' .. (now - remember), 'LIMIT', 0, MOST_FORGOTTEN)
  for _, service in ipairs(old) do
    redis.call('ZREM', REMEMBERED_AT, service)
    redis.call('HDEL', REMEMBERED, service)
    redis.call('HDEL', RANKS, service)
  end
end

-- Whoever may write to Redis may take a record and leave its holder: its node would renew it for ever, and a node that
-- starts would never see it. It goes as what lapsed does, so that its node writes it again; what is nobody's goes without a word.
local function mend()
  local count = redis.call('HLEN', HOLDERS)
  if count == redis.call('HLEN', RECORDS) and count == redis.call('ZCARD', LEASES) then return end
  for _, id in ipairs(redis.call('HKEYS', RECORDS)) do
    if redis.call('HEXISTS', HOLDERS, id) == 0 then redis.call('HDEL', RECORDS, id) end
  end
  for _, id in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do
    if redis.call('HEXISTS', HOLDERS, id) == 0 then redis.call('ZREM', LEASES, id) end
  end
  for _, id in ipairs(redis.call('HKEYS', HOLDERS)) do
    if redis.call('HEXISTS', RECORDS, id) == 0 or not redis.call('ZSCORE', LEASES, id) then
      finish(id, redis.call('HGET', HOLDERS, id), 'lapsed', 'its record was lost')
    end
  end
end

-- The changes after a version; nil when it is none of ours, or too old.
local function since(seenRevision, seenHash)
  local count = revision - seenRevision
  if count < 1 or count >= MOST_CHANGES then return nil end
  local words = redis.call('LRANGE', LOG, -(count + 1), -1)
  if #words ~= count + 1 or string.sub(words[1], 1, DIGEST) ~= seenHash then return nil end
  table.remove(words, 1)
  return words
end

-- Nothing when nothing changed; otherwise revision, hash, 1 when it is whole, and what follows.
function operations.look(remember, seenRevision, seenHash)
  cleanUp(tonumber(remember))
  mend()
  seenRevision = tonumber(seenRevision)
  if seenRevision == revision and seenHash == hash then return false end
  local words = since(seenRevision, seenHash)
  if not words then
    local gone = {}
    for _, word in ipairs(redis.call('LRANGE', LOG, 0, -1)) do
      if string.sub(word, DIGEST + 1, DIGEST + 7) == '["gone"' then gone[#gone + 1] = string.sub(word, DIGEST + 1) end
    end
    return {
      revision, hash, 1, now, gone,
      redis.call('HGETALL', RECORDS), redis.call('HGETALL', RANKS), redis.call('HGETALL', DRAINS),
      redis.call('HGETALL', REMEMBERED), redis.call('ZRANGE', REMEMBERED_AT, 0, -1, 'WITHSCORES'),
    }
  end
  local told, ids, instances = {}, {}, {}
  for _, word in ipairs(words) do
    local text = string.sub(word, DIGEST + 1)
    local isRead, change = pcall(cjson.decode, text)
    if not isRead or type(change) ~= 'table' or change[1] ~= 'instance' then
      told[#told + 1] = text
    elseif type(change[2]) == 'string' and not ids[change[2]] then
      ids[change[2]] = true
      local id = change[2]
      local holder = redis.call('HGET', HOLDERS, id)
      if holder then
        local _, service = split(holder)
        instances[#instances + 1] = {
          id, redis.call('HGET', RECORDS, id), redis.call('HGET', RANKS, service), redis.call('HGET', DRAINS, id),
        }
      end
    end
  end
  return { revision, hash, 0, told, instances }
end

local answer = operations[OPERATION](unpack(ARGV, 4))
tell()
return answer

/**
 * What is asked of Redis in one go. Keys are made from what the scripts find, so all this is for one server, with or without
 * Sentinel: the library of `hydra` services knows no Cluster.
 *
 * @module
 */
import type { Script } from '../../store/redis/port.ts'

/** Whose an entry of nodes is: to who reads them, and to who clears them. */
const SERVICE_OF = `
local function serviceOf(text) return string.match(text, '"serviceName"%s*:%s*"([^"\\\\%c]*)"') end
`

/**
 * Our own sign of life. KEYS: presence, nodes, health, service, routes. ARGV: id, entry, health or nothing. Returns how
 * many of the last two stand there, why the entry was not taken, and whether there was one.
 */
export const BEAT: Script = {
  name: 'flywheel-beat',
  source: `
redis.call('SET', KEYS[1], ARGV[1], 'EX', 3)
local before = redis.pcall('HEXISTS', KEYS[2], ARGV[1])
local done = redis.pcall('HSET', KEYS[2], ARGV[1], ARGV[2])
if ARGV[3] ~= '' then redis.call('SET', KEYS[3], ARGV[3], 'EX', 15) end
return { redis.call('EXISTS', KEYS[4], KEYS[5]), type(done) == 'table' and done.err or '', before == 0 and 0 or 1 }
`,
}

/** What stays: KEYS service, routes. ARGV: the entry of the service, then routes. */
export const REGISTER: Script = {
  name: 'flywheel-register',
  source: `
redis.call('SET', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2])
for i = 2, #ARGV do redis.call('SADD', KEYS[2], ARGV[i]) end
return 1
`,
}

/** Who of those we know is still there. ARGV: our id, then service and id by turns. Returns: us, entries of nodes, ms left of each. */
export const WATCH: Script = {
  name: 'flywheel-watch',
  source: `
local nodes = redis.pcall('HLEN', KEYS[1])
local answer = {
  redis.call('EXISTS', 'hydra:service:hydra-router:' .. ARGV[1] .. ':presence'),
  type(nodes) == 'table' and -1 or nodes
}
for i = 2, #ARGV, 2 do
  answer[#answer + 1] = redis.call('PTTL', 'hydra:service:' .. ARGV[i] .. ':' .. ARGV[i + 1] .. ':presence')
end
return answer
`,
}

/**
 * A piece of the entries of nodes. ARGV: cursor, how many, most bytes of one. Returns the next cursor; id, entry and ms left of
 * those that are there; services of the others; id and fault of those that are none.
 */
export const NODES_PIECE: Script = {
  name: 'flywheel-nodes-piece',
  source: `${SERVICE_OF}
local found = redis.pcall('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
if found.err then return { '0', {}, {}, { '', 'nodes-no-hash' } } end
local here, away, seen, bad = {}, {}, {}, {}
for i = 1, #found[2], 2 do
  local id, text = found[2][i], found[2][i + 1]
  local fault
  if #id > 64 then fault = 'id' elseif #text > tonumber(ARGV[3]) then fault = 'entry-too-large' else
    local service = serviceOf(text)
    if not service or #service > 512 then fault = 'entry' else
      local left = redis.call('PTTL', 'hydra:service:' .. service .. ':' .. id .. ':presence')
      if left ~= -2 then
        here[#here + 1] = id
        here[#here + 1] = text
        here[#here + 1] = left
      elseif not seen[service] then
        seen[service] = true
        away[#away + 1] = service
      end
    end
  end
  if fault and #bad < 40 then
    bad[#bad + 1] = string.sub(id, 1, 64)
    bad[#bad + 1] = fault
  end
end
return { found[1], here, away, bad }
`,
}

/** Routes of services. ARGV: most of one, most bytes, then services. Returns for each: 0 none, 1 no set, 2 too many, or them. */
export const ROUTES: Script = {
  name: 'flywheel-routes',
  source: `
local answer = {}
for i = 3, #ARGV do
  local key = 'hydra:service:' .. ARGV[i] .. ':service:routes'
  local kind = redis.call('TYPE', key).ok
  local said = 0
  if kind == 'set' then
    said = 2
    if redis.call('SCARD', key) <= tonumber(ARGV[1]) then
      local routes = redis.call('SMEMBERS', key)
      local bytes = 0
      for _, route in ipairs(routes) do bytes = bytes + #route end
      if bytes <= tonumber(ARGV[2]) then said = routes end
    end
  elseif kind ~= 'none' then said = 1 end
  answer[#answer + 1] = said
end
return answer
`,
}

/** Health and the newest three entries of the log. ARGV: most bytes of each, then service and id by turns. */
export const REPORTS: Script = {
  name: 'flywheel-reports',
  source: `
local most = tonumber(ARGV[1])
local answer = {}
for i = 2, #ARGV, 2 do
  local key = 'hydra:service:' .. ARGV[i] .. ':' .. ARGV[i + 1] .. ':health'
  local health = ''
  if redis.call('TYPE', key).ok == 'string' and redis.call('STRLEN', key) <= most then health = redis.call('GET', key) or '' end
  local log = {}
  if redis.call('TYPE', key .. ':log').ok == 'list' then
    for _, entry in ipairs(redis.call('LRANGE', key .. ':log', 0, 2)) do
      if #entry <= most then log[#log + 1] = entry end
    end
  end
  answer[#answer + 1] = { health, log }
end
return answer
`,
}

/** Entries of a piece of nodes. ARGV: cursor, how many, most bytes of one. Returns the next cursor, ids and entries by turns. */
export const NODES_LIST: Script = {
  name: 'flywheel-nodes-list',
  source: `
local found = redis.pcall('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
if found.err then return { '0', {} } end
local listed = {}
for i = 1, #found[2], 2 do
  if #found[2][i] <= 64 and #found[2][i + 1] <= tonumber(ARGV[3]) then
    listed[#listed + 1] = found[2][i]
    listed[#listed + 1] = found[2][i + 1]
  end
end
return { found[1], listed }
`,
}

/** Removes entries of a piece of nodes whose instance is not there. ARGV: cursor, how many. Returns the next cursor, how many. */
export const NODES_CLEAR: Script = {
  name: 'flywheel-nodes-clear',
  source: `${SERVICE_OF}
local found = redis.pcall('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
if found.err then return { '0', 0 } end
local removed = 0
for i = 1, #found[2], 2 do
  local id, text = found[2][i], found[2][i + 1]
  local service = serviceOf(text)
  if not service or redis.call('EXISTS', 'hydra:service:' .. service .. ':' .. id .. ':presence') == 0 then
    removed = removed + redis.call('HDEL', KEYS[1], id)
  end
end
return { found[1], removed }
`,
}

/** Puts a message into the queue of a service. ARGV: text, most. Returns 0 when it is full. */
export const QUEUE: Script = {
  name: 'flywheel-queue',
  source: `
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
return redis.call('LPUSH', KEYS[1], ARGV[1])
`,
}

/**
 * Appends a message to a stream. ARGV: text, most, whether the stream may be made ('1' or '0'). Returns the id Redis gave, 0
 * when it is full, -1 when it is not there and may not be made.
 */
export const STREAM: Script = {
  name: 'flywheel-stream',
  source: `
local length = redis.call('XLEN', KEYS[1])
if length >= tonumber(ARGV[2]) then return 0 end
if length == 0 and ARGV[3] ~= '1' and redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
return redis.call('XADD', KEYS[1], '*', 'message', ARGV[1])
`,
}

/**
 * Mail for a client. KEYS: queued, processing, bytes. ARGV: text, ms it is kept, most messages, most bytes. Returns how many
 * were dropped, the oldest first, or -1 when it alone is too large. Originals take without counting bytes: the count is
 * made anew once there was nothing, and may be too high until then.
 */
export const MAIL_PUT: Script = {
  name: 'flywheel-mail-put',
  source: `
local most = tonumber(ARGV[4])
if #ARGV[1] > most then return -1 end
local count = redis.call('RPUSH', KEYS[1], ARGV[1])
if count == 1 and redis.call('LLEN', KEYS[2]) == 0 then redis.call('DEL', KEYS[3]) end
local bytes = redis.call('INCRBY', KEYS[3], #ARGV[1])
local dropped = 0
while count > 1 and (count > tonumber(ARGV[3]) or bytes > most) do
  local oldest = redis.call('LPOP', KEYS[1])
  bytes = redis.call('DECRBY', KEYS[3], #oldest)
  count = count - 1
  dropped = dropped + 1
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[3], ARGV[2])
return dropped
`,
}

/** What was given and never taken comes first again. KEYS: queued, processing. */
export const MAIL_RESTORE: Script = {
  name: 'flywheel-mail-restore',
  source: `
local count = 0
while redis.call('LMOVE', KEYS[2], KEYS[1], 'RIGHT', 'LEFT') do count = count + 1 end
return count
`,
}

/** The oldest, or nothing. KEYS: queued, processing. ARGV: ms it is kept. */
export const MAIL_NEXT: Script = {
  name: 'flywheel-mail-next',
  source: `
local text = redis.call('LMOVE', KEYS[1], KEYS[2], 'LEFT', 'RIGHT')
if text then redis.call('PEXPIRE', KEYS[2], ARGV[1]) end
return text
`,
}

/** It was taken. KEYS: processing, bytes. ARGV: text. */
export const MAIL_TAKEN: Script = {
  name: 'flywheel-mail-taken',
  source: `
local taken = redis.call('LREM', KEYS[1], -1, ARGV[1])
if taken > 0 and redis.call('EXISTS', KEYS[2]) == 1 and redis.call('DECRBY', KEYS[2], #ARGV[1]) <= 0 then redis.call('DEL', KEYS[2]) end
return taken
`,
}

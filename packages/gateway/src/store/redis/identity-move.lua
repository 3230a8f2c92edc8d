-- Moves the revision of people, and notes it as that of what was changed. KEYS[1]: state.
--
-- A revision is a number that grows and a text its writer made up: after a failover that lost changes no two are equal
-- by chance.
local function move(what, made)
  local changes = redis.call('HINCRBY', KEYS[1], 'changes', 1)
  local version = string.format('%.0f.%s', changes, made)
  redis.call('HSET', KEYS[1], 'version', version, what, version)
  return version, changes
end

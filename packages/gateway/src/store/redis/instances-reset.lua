-- Empties the registry when one of its keys is of another type than ours are: nothing could be read or written any more.
-- Nodes write again what they hear, as after any loss. ARGV: the type of each key. Returns 1, or 0 when all is well.
for i, key in ipairs(KEYS) do
  local is = redis.call('TYPE', key).ok
  if is ~= 'none' and is ~= ARGV[i] then
    redis.call('DEL', unpack(KEYS))
    return 1
  end
end
return 0

-- Opens a camera for its owner: the group stands at the stored cursor again, whatever was pending is forgotten.
--
-- KEYS  1 lease  2 state  3 input stream  4 state of the input's writer      ARGV  1 token  2 group ('' for sources)
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end
local stored = redis.call('HMGET', KEYS[2], 'cursor', 'generation', 'settings', 'snapshot', 'floor', 'read')
if ARGV[2] ~= '' then
  if not stored[6] then
    -- A reader that comes late missed what was trimmed before it; only the rest counts as its lag.
    local added = tonumber(redis.call('HGET', KEYS[4], 'added') or '0')
    stored[6] = string.format('%d', math.max(0, added - redis.call('XLEN', KEYS[3])))
    redis.call('HSET', KEYS[2], 'read', stored[6])
  end
  redis.pcall('XGROUP', 'DESTROY', KEYS[3], ARGV[2])
  redis.call('XGROUP', 'CREATE', KEYS[3], ARGV[2], stored[1] or '0-0', 'MKSTREAM', 'ENTRIESREAD', stored[6])
end
return {stored[1] or '0-0', stored[2] or '', stored[3] or '', stored[4], stored[5] or '0-0'}

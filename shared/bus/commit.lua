-- One commit of one camera in one stage. Lua does not roll back, so everything is checked before the first write.
--
-- KEYS  1 lease  2 state  3 dead letters  4 input stream  5 output stream  6.. states of the output's required readers
-- ARGV  see `arguments` in commit.py
local at = 0
local function take() at = at + 1; return ARGV[at] end
local function number() return tonumber(take()) end
local function list(n) local l = {}; for i = 1, n do l[i] = take() end; return l end

local token, group, previous, last = take(), take(), take(), take()
local generation, settings, floor, has_snapshot, snapshot = take(), take(), take(), take(), take()
local limit, keep, dead_kept, output_reader = number(), number(), number(), take()
local inputs = list(number())
local outputs = list(2 * number())
local dead = list(4 * number())
local drops = list(2 * number())
local counts = list(2 * number())

local function id_of(text)
  local ms, seq = string.match(text, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end
local function after(a, b)
  local am, as = id_of(a)
  local bm, bs = id_of(b)
  return am > bm or (am == bm and as > bs)
end

-- 1. Is this still mine, and does it go on from what is stored?
if redis.call('GET', KEYS[1]) ~= token then return 'FENCED' end
local cursor, writer, added, stored_settings = unpack(redis.call('HMGET', KEYS[2], 'cursor', 'writer', 'added',
  'settings'))
cursor = cursor or '0-0'
added = tonumber(added or '0')
if cursor == last and writer == token and last ~= previous then return 'DUPLICATE' end
if cursor ~= previous then return 'STALE' end
if #inputs > 0 then
  local pending = redis.pcall('XPENDING', KEYS[4], group, '(' .. previous, last, #inputs + 1)
  if pending.err then return string.find(pending.err, 'NOGROUP', 1, true) and 'STALE' or pending end
  if #pending ~= #inputs then return 'STALE' end
  for i = 1, #inputs do
    if pending[i][1] ~= inputs[i] then return 'STALE' end
  end
end

-- 2. Is there room? `read` of a reader and `added` of the writer count entries for ever.
local lowest = nil
for i = 6, #KEYS do
  local reader = redis.call('HMGET', KEYS[i], 'floor', 'read')
  if limit > 0 and #outputs > 0 and added - tonumber(reader[2] or '0') + #outputs / 2 > limit then return 'FULL' end
  local reader_floor = reader[1] or '0-0'
  if lowest == nil or after(lowest, reader_floor) then lowest = reader_floor end
end

for i = 3, #outputs, 2 do
  if not after(outputs[i], outputs[i - 2]) then return redis.error_reply('outputs are not in order') end
end
-- Raises here, not halfway, if another program has put something else under the key.
if #dead > 0 then redis.call('XLEN', KEYS[3]) end

-- 3. Write. Only the first XADD can still be refused, so it comes first.
for i = 1, #outputs, 2 do
  local reply = redis.pcall('XADD', KEYS[5], outputs[i], 'm', outputs[i + 1])
  if type(reply) == 'table' and reply.err then
    -- The stream is ahead of the state: somebody removed the state alone.
    if string.find(reply.err, 'equal or smaller', 1, true) then return 'AHEAD' end
    return reply
  end
end
if #inputs > 0 then redis.call('XACK', KEYS[4], group, unpack(inputs)) end

-- Drop-oldest of live sources: only what the reader has not been given, so that nothing is dropped and tracked.
local dropped = {}
if #drops > 0 then
  local delivered = '0-0'
  local groups = redis.pcall('XINFO', 'GROUPS', KEYS[5])
  if not groups.err then
    for _, info in ipairs(groups) do
      local fields = {}
      for j = 1, #info, 2 do fields[info[j]] = info[j + 1] end
      if fields['name'] == output_reader then delivered = fields['last-delivered-id'] end
    end
  end
  for i = 1, #drops, 2 do
    if after(drops[i], delivered) and redis.call('XDEL', KEYS[5], drops[i]) == 1 then
      dropped[drops[i + 1]] = (dropped[drops[i + 1]] or 0) + 1
    end
  end
end
for i = 1, #counts, 2 do
  dropped[counts[i]] = (dropped[counts[i]] or 0) + tonumber(counts[i + 1])
end
for reason, n in pairs(dropped) do redis.call('HINCRBY', KEYS[2], 'dropped:' .. reason, n) end

if #outputs > 0 then
  if lowest == nil then
    redis.call('XTRIM', KEYS[5], 'MAXLEN', '~', keep)
  elseif keep == 0 then
    redis.call('XTRIM', KEYS[5], 'MINID', lowest)
  else
    -- Now and then, whole nodes at once: the limit keeps `keep` entries, MINID what a reader still needs.
    local surplus = redis.call('XLEN', KEYS[5]) - keep
    if surplus > keep / 4 then redis.call('XTRIM', KEYS[5], 'MINID', '~', lowest, 'LIMIT', surplus) end
  end
end
for i = 1, #dead, 4 do
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', dead_kept, '*', 'stage', group, 'stream', dead[i], 'id', dead[i + 1],
    'reason', dead[i + 2], 'payload', dead[i + 3])
end

redis.call('HSET', KEYS[2], 'cursor', last, 'writer', token, 'floor', floor, 'generation', generation,
  'settings', settings)
if has_snapshot == '1' then
  redis.call('HSET', KEYS[2], 'snapshot', snapshot)
elseif stored_settings ~= settings then
  -- A snapshot made under other settings must not pass for one of these.
  redis.call('HDEL', KEYS[2], 'snapshot')
end
if #inputs > 0 then redis.call('HINCRBY', KEYS[2], 'read', #inputs) end
if #outputs > 0 then redis.call('HINCRBY', KEYS[2], 'added', #outputs / 2) end
if #dead > 0 then redis.call('HINCRBY', KEYS[2], 'dead', #dead / 4) end
return 'DONE'

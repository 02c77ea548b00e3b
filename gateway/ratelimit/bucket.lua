-- What both scripts begin with: the arithmetic of bucket.go.
--
-- KEYS[1] buckets: hash; name is what's missing, name.t its time, name.p the part of a millionth that came back on top
-- KEYS[2] reservations under way: sorted set, id by expiry
-- Points are in millionths, times in microseconds, all whole and under 2^53, which Lua's numbers hold exactly. Redis
-- writes a number that is an argument with 17 digits, so that none is lost.
local micro = 1000000
local clock = redis.call('TIME')
local now = clock[1] * micro + clock[2]

-- load reads the buckets that ARGV names from first on, three arguments each: name, capacity, restore per second.
local function load(first)
  local buckets, fields = {}, {}
  for i = first, #ARGV - 2, 3 do
    local name, n = ARGV[i], #fields
    buckets[#buckets + 1] = {capacity = tonumber(ARGV[i + 1]), restore = tonumber(ARGV[i + 2])}
    fields[n + 1], fields[n + 2], fields[n + 3] = name, name .. '.t', name .. '.p'
  end
  if #fields == 0 then return buckets, fields end
  local stored = redis.call('HMGET', KEYS[1], unpack(fields))
  for i, b in ipairs(buckets) do
    local deficit, time, part = tonumber(stored[3 * i - 2] or 0), tonumber(stored[3 * i - 1] or now), tonumber(stored[3 * i] or 0)
    b.stored = deficit > 0
    if deficit > 2 * b.capacity then deficit = 2 * b.capacity end
    if now > time and deficit > 0 then
      local us = math.fmod(now - time, micro)
      local s = (now - time - us) / micro
      local millionths = math.fmod(b.restore, micro)
      local points = (b.restore - millionths) / micro
      part = part + us * millionths
      local rest = math.fmod(part, micro)
      deficit = deficit - (s * b.restore + us * points + (part - rest) / micro)
      part, time = rest, now
    end
    if deficit <= 0 then deficit, time, part = 0, now, 0 end
    b.deficit, b.time, b.part = deficit, time, part
  end
  return buckets, fields
end

-- save writes the buckets that aren't full and forgets the others. The key lives until all are full, and some seconds.
local function save(buckets, fields)
  local changed, full, n = {}, 0, 0
  for i, b in ipairs(buckets) do
    local f = 3 * i - 2
    if b.deficit > 0 then
      changed[n + 1], changed[n + 2], changed[n + 3] = fields[f], b.deficit, fields[f + 1]
      changed[n + 4], changed[n + 5], changed[n + 6] = b.time, fields[f + 2], b.part
      n = n + 6
      full = math.max(full, math.ceil(b.deficit / b.restore * 1000 + (b.time - now) / 1000))
    elseif b.stored then
      redis.call('HDEL', KEYS[1], fields[f], fields[f + 1], fields[f + 2])
    end
  end
  if n == 0 then return end
  redis.call('HSET', KEYS[1], unpack(changed))
  if redis.call('PTTL', KEYS[1]) < full + 1000 then redis.call('PEXPIRE', KEYS[1], full + 5000) end
end


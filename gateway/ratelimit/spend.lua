-- Settles what operations of one client used, and takes the points of new ones, each from all buckets or from none.
--
-- KEYS[1] hash: a bucket's name: what it's missing, that one's time, the part of a millionth that came back on top;
--         @ and a gateway's id: its last run, what that took, how many it has under way, until when they count;
--         @: how many are under way at all gateways
-- ARGV    1 gateway, 2 number of this run, 3 of the last that the gateway had an answer to, 4 how many it has under way,
--         5 what goes back (negative: is owed), 6 most under way (0: any), 7 lease, 8 how many operations, the cost of each
--         (-1 only looks); then of each bucket name, capacity, restore per second
-- Answers a digit for each operation (0 admitted, 1 short, 2 busy), then of each bucket, before the first operation,
-- what's missing, the part, how far its time is ahead. Nothing, and nothing is done, when a later run was here before.
--
-- The arithmetic is bucket.go's. Points are in millionths, times in microseconds, all whole and under 2^53, which Lua's
-- numbers hold exactly.
local key, micro = KEYS[1], 1000000
local clock = redis.call('TIME')
local now = clock[1] * micro + clock[2]
local gateway, run, known = '@' .. ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local under, back, most, lease = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local last = 8 + ARGV[8]

local function numbers(text)
  local a, b, c, d = string.match(text, '^(%S+) (%S+) (%S+) ?(%S*)$')
  return tonumber(a), tonumber(b), tonumber(c), tonumber(d)
end

local fields = {'@', gateway}
for i = last + 1, #ARGV - 2, 3 do fields[#fields + 1] = ARGV[i] end
local stored = redis.call('HMGET', key, unpack(fields))

-- A run that the gateway never heard of is undone: it told its clients that nothing was taken.
local before, lost, here = 0, 0, 0
if stored[2] then before, lost, here = numbers(stored[2]) end
if before >= run then return false end
if before <= known then lost = 0 end

-- The buckets as they are now, and what the tightest of them has.
local buckets, room = {}, math.huge
for i = 3, #fields do
  local place = last + 3 * i - 8
  local capacity, restore = tonumber(ARGV[place + 1]), tonumber(ARGV[place + 2])
  local deficit, time, part = 0, now, 0
  if stored[i] then
    deficit, time, part = numbers(stored[i])
    deficit = math.min(deficit, 2 * capacity)
    if now > time then
      local us = math.fmod(now - time, micro)
      local millionths = math.fmod(restore, micro)
      part = part + us * millionths
      local rest = math.fmod(part, micro)
      deficit = deficit - ((now - time - us) / micro * restore + us * ((restore - millionths) / micro) + (part - rest) / micro)
      part, time = rest, now
    end
    if deficit <= 0 then deficit, time, part = 0, now, 0 end
  end
  deficit = math.min(math.max(deficit - back - lost, 0), 2 * capacity)
  if deficit == 0 then time, part = now, 0 end
  buckets[i - 2] = {deficit = deficit, time = time, part = part, restore = restore}
  room = math.min(room, capacity - deficit)
end

-- others counts what is under way at other gateways, and forgets those that are gone.
local function others()
  local sum, all = 0, redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    if string.byte(all[i]) == 64 and all[i] ~= '@' and all[i] ~= gateway then
      local _, _, n, ends = numbers(all[i + 1])
      if ends > now then sum = sum + n else redis.call('HDEL', key, all[i]) end
    end
  end
  return sum
end

local elsewhere, counted = tonumber(stored[1] or 0) - here, false
if not stored[2] then elsewhere, counted = others(), true end
local taken, was, outcomes = 0, under, {}
for i = 9, last do
  local cost, outcome = tonumber(ARGV[i]), '0'
  if cost > 0 and taken + cost > room then
    outcome = '1'
  elseif cost >= 0 then
    if most > 0 and elsewhere + under >= most and not counted then elsewhere, counted = others(), true end
    if most > 0 and elsewhere + under >= most then
      outcome = '2'
    else
      taken = taken + cost
      if most > 0 then under = under + 1 end
    end
  end
  outcomes[i - 8] = outcome
end

local answer = {table.concat(outcomes)}
local changed = {gateway, string.format('%d %d %d %d', run, taken - back, under, now + lease), '@', string.format('%d', elsewhere + under)}
local gone, full = {}, lease / 1000
for i, b in ipairs(buckets) do
  local n = #answer
  answer[n + 1], answer[n + 2], answer[n + 3] = b.deficit, b.part, b.time - now
  b.deficit = b.deficit + taken
  n = #changed
  if b.deficit > 0 then
    changed[n + 1], changed[n + 2] = fields[i + 2], string.format('%d %d %d', b.deficit, b.time, b.part)
    full = math.max(full, math.ceil(b.deficit / b.restore * 1000 + (b.time - now) / 1000))
  elseif stored[i + 2] then
    gone[#gone + 1] = fields[i + 2]
  end
end
-- A refusal isn't written down, when the gateway has had an answer to its run before.
if taken == 0 and back == 0 and under == was and under == here and known == run - 1 then return answer end
redis.call('HSET', key, unpack(changed))
if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
if redis.call('PTTL', key) < full + 1000 then redis.call('PEXPIRE', key, full + 5000) end
return answer

-- Ends reservations of a client and gives back what they didn't use, or takes what they used on top.
--
-- ARGV: how many reservations, of each its id and what to give back (negative: to take), then the buckets
-- Answers how many were under way: others were settled, or their lease ended.
local last = 2 * ARGV[1]
local ended, seen, backs = {}, {}, {}
for k = 2, last, 2 do
  local id = ARGV[k]
  local expires = not seen[id] and redis.call('ZSCORE', KEYS[2], id)
  if expires then
    seen[id] = true
    ended[#ended + 1] = id
    if tonumber(expires) > now then backs[#backs + 1] = tonumber(ARGV[k + 1]) end
  end
end
if #ended == 0 then return 0 end
redis.call('ZREM', KEYS[2], unpack(ended))
local buckets, fields
for _, back in ipairs(backs) do
  if back ~= 0 then
    if not buckets then buckets, fields = load(last + 2) end
    for _, b in ipairs(buckets) do
      b.deficit = math.min(math.max(b.deficit - back, 0), 2 * b.capacity)
    end
  end
end
if buckets then save(buckets, fields) end
return #backs

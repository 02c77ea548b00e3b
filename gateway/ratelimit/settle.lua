-- Ends a reservation and gives back what wasn't used, or takes what was used on top.
--
-- ARGV: id, what to give back (negative: to take), then the buckets
-- Answers 1, or 0 when no such reservation is under way: it was settled, or its lease ended.
local back = tonumber(ARGV[2])
local expires = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not expires then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
if tonumber(expires) <= now then return 0 end
if back ~= 0 then
  local buckets, fields = load(3)
  for _, b in ipairs(buckets) do
    b.deficit = math.min(math.max(b.deficit - back, 0), 2 * b.capacity)
  end
  save(buckets, fields)
end
return 1

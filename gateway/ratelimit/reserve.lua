-- Takes points from all buckets of a client, or from none, for several operations one after the other.
--
-- ARGV: lease, most under way (0: any), how many operations, of each its id and cost (-1 only looks), then the buckets
-- Answers for each operation outcome, deficit, part, how far its time is ahead, deficit, …; outcome: 0 admitted, 1 short,
-- 2 busy.
local most, last = tonumber(ARGV[2]), 2 + 2 * ARGV[3]
local buckets, fields = load(last + 2)
local under, spent, added, answer = -1, false, {}, {}
for k = 4, last, 2 do
  local cost, outcome = tonumber(ARGV[k + 1]), 0
  for _, b in ipairs(buckets) do
    if cost > 0 and b.deficit + cost > b.capacity then outcome = 1 end
  end
  if cost >= 0 then
    if under < 0 then
      redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
      under = most > 0 and redis.call('ZCARD', KEYS[2]) or 0
    end
    if outcome == 0 and most > 0 and under >= most then outcome = 2 end
    if outcome == 0 then
      if cost > 0 then
        for _, b in ipairs(buckets) do b.deficit = b.deficit + cost end
        spent = true
      end
      under = under + 1
      added[#added + 1], added[#added + 2] = now + ARGV[1], ARGV[k]
    end
  end
  answer[#answer + 1] = outcome
  for _, b in ipairs(buckets) do
    local n = #answer
    answer[n + 1], answer[n + 2], answer[n + 3] = b.deficit, b.part, b.time - now
  end
end
if spent then save(buckets, fields) end
if #added > 0 then
  redis.call('ZADD', KEYS[2], unpack(added))
  redis.call('PEXPIRE', KEYS[2], math.ceil(ARGV[1] / 1000) + 1000)
end
return answer

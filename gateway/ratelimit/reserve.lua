-- Takes points from all buckets of a client, or from none.
--
-- ARGV: id, cost (-1 only looks), lease, most under way (0: any), then the buckets
-- Answers {outcome, deficit, part, how far its time is ahead, deficit, …}; outcome: 0 admitted, 1 short, 2 busy.
local cost, most = tonumber(ARGV[2]), tonumber(ARGV[4])
local buckets, fields = load(5)
local outcome = 0
for _, b in ipairs(buckets) do
  if cost > 0 and b.deficit + cost > b.capacity then outcome = 1 end
end
if cost >= 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
  if outcome == 0 and most > 0 and redis.call('ZCARD', KEYS[2]) >= most then outcome = 2 end
  if outcome == 0 then
    if cost > 0 then
      for _, b in ipairs(buckets) do b.deficit = b.deficit + cost end
      save(buckets, fields)
    end
    redis.call('ZADD', KEYS[2], now + ARGV[3], ARGV[1])
    redis.call('PEXPIRE', KEYS[2], math.ceil(ARGV[3] / 1000) + 1000)
  end
end
local answer = {outcome}
for i, b in ipairs(buckets) do
  answer[3 * i - 1], answer[3 * i], answer[3 * i + 1] = b.deficit, b.part, b.time - now
end
return answer

package ratelimit_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tributary-gateway/tributary/gateway/ratelimit"
	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

// clock goes before a script and answers TIME from its last two arguments, which the scripts don't look at: Redis's own
// clock can't be set. Everything else is the script as gateways run it.
const clock = `
local real, seconds, microseconds = redis, ARGV[#ARGV - 1], ARGV[#ARGV]
ARGV[#ARGV], ARGV[#ARGV - 1] = nil, nil
local redis = {call = function(name, ...)
  if name == 'TIME' then return {seconds, microseconds} end
  return real.call(name, ...)
end}
`

type scripts struct {
	t      *testing.T
	client *redis.Client
}

func (s scripts) run(script string, now int64, args ...any) any {
	s.t.Helper()
	args = append(args, now/1_000_000, now%1_000_000)
	v, err := s.client.Eval(s.t.Context(), clock+script, []string{"{a}b", "{a}r"}, args...).Result()
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

func (s scripts) reserve(now int64, id string, cost, capacity, restore int64) []int64 {
	s.t.Helper()
	values, _ := s.run(ratelimit.ReserveLua, now, int64(time.Hour/time.Microsecond), 0, 1, id, cost, "b", capacity, restore).([]any)
	numbers := make([]int64, len(values))
	for i, v := range values {
		numbers[i], _ = v.(int64)
	}
	return numbers
}

// The scripts and bucket.go compute the same, to the last millionth, whatever the clock does.
func TestScriptsComputeWhatTheArithmeticDoes(t *testing.T) {
	server := redistest.Start(t)
	s := scripts{t, server.Client()}
	defer s.client.Close()
	random := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		server.Do("FLUSHALL")
		capacity := (1 + random.Int64N(1<<random.Int64N(30))) * 1_000_000
		capacity = min(capacity, ratelimit.MaxCapacity*1_000_000)
		restore := 1 + random.Int64N(min(1<<(1+random.Int64N(50)), capacity))
		story := ratelimit.NewStory(capacity, restore)
		now := int64(1_790_000_000_000_000)
		for step := range 40 {
			now += random.Int64N(1 << random.Int64N(38))
			if random.IntN(8) == 0 {
				now -= random.Int64N(1 << random.Int64N(38))
			}
			cost := random.Int64N(capacity+1) / (1 + random.Int64N(8))
			id := fmt.Sprint(step)
			outcome, deficit, part, ahead := story.Reserve(now, cost)
			want := []int64{outcome, deficit, part, ahead}
			if got := s.reserve(now, id, cost, capacity, restore); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("capacity %d, restore %d, step %d, cost %d: Redis has %v, Go %v", capacity, restore, step, cost, got, want)
			}
			if outcome == 0 && random.IntN(2) == 0 {
				back := random.Int64N(2*cost+1) - cost
				story.Settle(now, back)
				if got := s.run(ratelimit.SettleLua, now, 1, id, back, "b", capacity, restore); got != int64(1) {
					t.Fatalf("settling: %v", got)
				}
			}
		}
	}
}

// A clock that jumps back refills nothing, and neither does its way forward again.
func TestClockJumpsBack(t *testing.T) {
	server := redistest.Start(t)
	s := scripts{t, server.Client()}
	defer s.client.Close()
	const capacity, restore, second = 100_000_000, 1_000_000, 1_000_000
	now := int64(1_790_000_000) * second
	if got := s.reserve(now, "1", 90_000_000, capacity, restore); got[0] != 0 {
		t.Fatal(got)
	}
	for _, jump := range []int64{-3600, -3000, -1, 0} {
		if got := s.reserve(now+jump*second, "2", 11_000_000, capacity, restore); got[0] != 1 || got[1] != 90_000_000 || got[3] != -jump*second {
			t.Errorf("%d s: %v", jump, got)
		}
	}
	if left := server.Do("PTTL", "{a}b").(int64); left < 90_000 {
		t.Errorf("the buckets are forgotten in %d ms", left)
	}
	if got := s.reserve(now+second, "3", 11_000_000, capacity, restore); got[0] != 0 {
		t.Errorf("a second later: %v", got)
	}
}

// Who reads all of Redis learns no client's name and no credential, and every key ends by itself.
func TestRedisNamesNoClient(t *testing.T) {
	server := redistest.Start(t)
	store := redisStore(t, configOf(server), ratelimit.RedisConfig{})
	l, client := limiter(t, ratelimit.PlanConfig{MaxConcurrent: 10, Buckets: buckets(100, 1)}, ratelimit.Options{Store: store})
	const name = "key-hunter2-of-acme"
	_, _ = take(t, l, client(name), 10)
	settled, _ := take(t, l, client(name), 10)
	settled.Settle(1)
	available(t, l, client(name), 0, 89)

	keys, _ := server.Do("KEYS", "*").([]any)
	if len(keys) != 3 { // buckets, reservations, instances
		t.Errorf("keys: %v", keys)
	}
	dump := fmt.Sprint(keys)
	for _, key := range keys {
		switch server.Do("TYPE", key) {
		case "hash":
			dump += fmt.Sprint(server.Do("HGETALL", key))
		case "zset":
			dump += fmt.Sprint(server.Do("ZRANGE", key, 0, -1, "WITHSCORES"))
		default:
			t.Errorf("%v is a %v", key, server.Do("TYPE", key))
		}
		if left, _ := server.Do("PTTL", key).(int64); left <= 0 {
			t.Errorf("%v stays", key)
		}
	}
	for _, part := range []string{name, "hunter2", "acme", secretText, "plan"} {
		if strings.Contains(dump, part) {
			t.Errorf("%q is in Redis:\n%s", part, dump)
		}
	}
	if !strings.Contains(dump, "burst") {
		t.Errorf("that was no dump: %s", dump)
	}
}

// A full bucket is a missing key.
func TestFullBucketsAreForgotten(t *testing.T) {
	server := redistest.Start(t)
	store := redisStore(t, configOf(server), ratelimit.RedisConfig{})
	l, client := limiter(t, ratelimit.PlanConfig{Buckets: buckets(100, slow)}, ratelimit.Options{Store: store})
	r, _ := take(t, l, client("a"), 10)
	if got := server.Do("KEYS", "*b"); len(got.([]any)) != 1 {
		t.Fatalf("keys: %v", got)
	}
	r.Settle(0)
	redistest.Until(t, "no buckets", func() bool { return len(server.Do("KEYS", "*b").([]any)) == 0 })
}

// One request is one command on the path, and another after it.
func TestRoundTrips(t *testing.T) {
	server := redistest.Start(t)
	store := redisStore(t, configOf(server), ratelimit.RedisConfig{})
	l, client := limiter(t, ratelimit.PlanConfig{MaxConcurrent: 3, Buckets: buckets(1000, slow)}, ratelimit.Options{Store: store})
	r, _ := take(t, l, client("a"), 10) // loads the script
	r.Settle(5)
	available(t, l, client("a"), 0, 995)
	server.Do("CONFIG", "RESETSTAT")
	for range 20 {
		r, _ := take(t, l, client("b"), 10)
		r.Settle(5)
	}
	redistest.Until(t, "40 scripts", func() bool {
		return strings.Contains(fmt.Sprint(server.Do("INFO", "commandstats")), "cmdstat_evalsha:calls=40,")
	})
	if stats := fmt.Sprint(server.Do("INFO", "commandstats")); strings.Contains(stats, "cmdstat_eval:") ||
		strings.Contains(stats, "cmdstat_keys") || strings.Contains(stats, "cmdstat_scan") {
		t.Error(stats)
	}
}

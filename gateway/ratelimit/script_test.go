package ratelimit_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/tributary-gateway/tributary/gateway/ratelimit"
	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

// clock goes before a script and answers TIME from its last two arguments, which the script doesn't look at: Redis's own
// clock can't be set. Everything else is the script as gateways run it.
const clock = `
local real, seconds, microseconds = redis, ARGV[#ARGV - 1], ARGV[#ARGV]
ARGV[#ARGV], ARGV[#ARGV - 1] = nil, nil
local redis = {call = function(name, ...)
  if name == 'TIME' then return {seconds, microseconds} end
  return real.call(name, ...)
end}
`

// script runs the script for one client with a bucket "b", as gateways that are known by a letter do.
type script struct {
	t      *testing.T
	client *redis.Client
	runs   int64
}

func newScript(t *testing.T) (*script, *redistest.Server) {
	t.Helper()
	server := redistest.Start(t)
	s := &script{t: t, client: server.Client()}
	t.Cleanup(func() { _ = s.client.Close() })
	return s, server
}

// run is what a gateway says in one run. Zeros are: nothing under way, nothing to give back, any number, all before is known.
type run struct {
	gateway           string
	number, known     int64
	under, back, most int64
	lease             time.Duration
	costs             []int64
	capacity, restore int64
}

// answer is the script's: nil is that the run came late.
type answer struct {
	Outcomes             string
	Deficit, Part, Ahead int64
}

func (s *script) run(now int64, r run) *answer {
	s.t.Helper()
	if r.number == 0 {
		s.runs++
		r.number, r.known = s.runs, s.runs-1
	}
	lease := cmp.Or(r.lease, time.Hour).Microseconds()
	args := []any{cmp.Or(r.gateway, "A"), r.number, r.known, r.under, r.back, r.most, lease, len(r.costs)}
	for _, cost := range r.costs {
		args = append(args, cost)
	}
	args = append(args, "b", r.capacity, r.restore, now/1_000_000, now%1_000_000)
	reply, err := s.client.Eval(s.t.Context(), clock+ratelimit.SpendLua, []string{"{a}"}, args...).Result()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil {
		s.t.Fatal(err)
	}
	values := reply.([]any)
	return &answer{values[0].(string), values[1].(int64), values[2].(int64), values[3].(int64)}
}

// The script and bucket.go compute the same, to the last millionth, whatever the clock does.
func TestScriptComputesWhatTheArithmeticDoes(t *testing.T) {
	s, server := newScript(t)
	random := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		server.Do("FLUSHALL")
		capacity := (1 + random.Int64N(1<<random.Int64N(30))) * 1_000_000
		capacity = min(capacity, ratelimit.MaxCapacity*1_000_000)
		restore := 1 + random.Int64N(min(1<<(1+random.Int64N(50)), capacity))
		story := ratelimit.NewStory(capacity, restore)
		now, back := int64(1_790_000_000_000_000), int64(0)
		for step := range 40 {
			now += random.Int64N(1 << random.Int64N(38))
			if random.IntN(8) == 0 {
				now -= random.Int64N(1 << random.Int64N(38))
			}
			costs := make([]int64, random.IntN(4))
			for i := range costs {
				costs[i] = random.Int64N(capacity+1) / (1 + random.Int64N(8))
			}
			want := &answer{}
			want.Outcomes, want.Deficit, want.Part, want.Ahead = story.Run(now, back, costs)
			got := s.run(now, run{back: back, costs: costs, capacity: capacity, restore: restore})
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Fatalf("capacity %d, restore %d, step %d, back %d, costs %v: %s", capacity, restore, step, back, costs, diff)
			}
			sum := int64(0)
			for i, cost := range costs {
				if got.Outcomes[i] == '0' {
					sum += cost
				}
			}
			if back = 0; random.IntN(2) == 0 {
				back = random.Int64N(2*sum+1) - sum
			}
		}
	}
}

const second = 1_000_000

// A clock that jumps back refills nothing, and neither does its way forward again.
func TestClockJumpsBack(t *testing.T) {
	s, server := newScript(t)
	now := int64(1_790_000_000) * second
	reserve := func(now, cost int64) *answer {
		return s.run(now, run{costs: []int64{cost}, capacity: 100_000_000, restore: 1_000_000})
	}
	if got := reserve(now, 90_000_000); got.Outcomes != "0" {
		t.Fatal(got)
	}
	for _, jump := range []int64{-3600, -3000, -1, 0} {
		if got := reserve(now+jump*second, 11_000_000); *got != (answer{"1", 90_000_000, 0, -jump * second}) {
			t.Errorf("%d s: %v", jump, got)
		}
	}
	if left := server.Do("PTTL", "{a}").(int64); left < 90_000 {
		t.Errorf("the buckets are forgotten in %d ms", left)
	}
	if got := reserve(now+second, 11_000_000); got.Outcomes != "0" {
		t.Errorf("a second later: %v", got)
	}
}

// Of a run whose answer got lost nothing is known. The next one of its gateway undoes it when it was made, and has it do
// nothing when it's still on its way.
func TestRunsWithoutAnswer(t *testing.T) {
	s, _ := newScript(t)
	now := int64(1_790_000_000) * second
	do := func(gateway string, number, known, back int64, costs ...int64) *answer {
		return s.run(now, run{
			gateway: gateway, number: number, known: known, back: back, costs: costs, capacity: 100, restore: 1,
		})
	}
	for _, step := range []struct {
		what     string
		got      *answer
		outcomes string
		deficit  int64 // before the operations
	}{
		{"the first", do("A", 1, 0, 0, 60), "0", 0},
		{"another gateway", do("B", 1, 0, 0, 10), "0", 60},
		{"takes 5, gives back 20, unheard", do("A", 2, 1, 20, 5), "0", 50},
		{"undoes that and gives back 20 itself, unheard too", do("A", 3, 1, 20, 2, 1), "00", 50},
		{"undoes only what is left of it", do("A", 5, 1, 20), "", 50},
		{"refusals are written down", do("A", 7, 5, 0, 99), "1", 50},
		{"the other isn't concerned", do("B", 2, 1, 0), "", 50},
		{"all is known", do("A", 8, 7, 0, 1), "0", 50},
	} {
		if step.got == nil || step.got.Outcomes != step.outcomes || step.got.Deficit != step.deficit {
			t.Errorf("%s: %+v", step.what, step.got)
		}
	}
	for _, late := range []int64{4, 6, 8} {
		if got := do("A", late, late-1, 0, 7); got != nil {
			t.Errorf("run %d came late and got %+v", late, got)
		}
	}
	if got := do("A", 9, 8, 0); got.Deficit != 51 {
		t.Errorf("in the end %+v", got)
	}
}

// What is under way counts at all gateways. One that died counts until its lease ends.
func TestUnderWayAtSeveralGateways(t *testing.T) {
	s, server := newScript(t)
	now := int64(1_790_000_000) * second
	do := func(gateway string, after time.Duration, under int64, n int) string {
		return s.run(now+after.Microseconds(), run{
			gateway: gateway, under: under, most: 5, lease: 10 * time.Second, costs: make([]int64, n), capacity: 100, restore: 1,
		}).Outcomes
	}
	for _, step := range []struct{ what, got, want string }{
		{"three at A", do("A", 0, 0, 3), "000"},
		{"three at B", do("B", time.Second, 0, 3), "002"},
		{"A has one left", do("A", 2*time.Second, 1, 4), "0022"},
		{"C comes", do("C", 3*time.Second, 0, 1), "2"},
		{"B is gone", do("A", 11*time.Second+1, 3, 3), "002"},
		{"one more than B had", do("C", 11*time.Second+2, 0, 1), "2"},
		{"A has ended all", do("A", 12*time.Second, 0, 0), ""},
		{"C alone", do("C", 12*time.Second+1, 0, 6), "000002"},
	} {
		if step.got != step.want {
			t.Errorf("%s: %q, want %q", step.what, step.got, step.want)
		}
	}
	if fields := fmt.Sprint(server.Do("HKEYS", "{a}")); strings.Contains(fields, "@B") {
		t.Errorf("B isn't forgotten: %s", fields)
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
	if len(keys) != 2 { // the client's, instances
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

// A full bucket is a missing field, and a client is forgotten.
func TestFullBucketsAreForgotten(t *testing.T) {
	server := redistest.Start(t)
	store := redisStore(t, configOf(server), ratelimit.RedisConfig{Lease: 100 * time.Millisecond})
	l, client := limiter(t, ratelimit.PlanConfig{Buckets: buckets(100, 1)}, ratelimit.Options{Store: store})
	r, _ := take(t, l, client("a"), 10)
	keys, _ := server.Do("KEYS", "*}").([]any)
	keys = slices.DeleteFunc(keys, func(key any) bool { return strings.Contains(fmt.Sprint(key), "instances") })
	if len(keys) != 1 || server.Do("HEXISTS", keys[0], "burst") != int64(1) {
		t.Fatalf("keys: %v", keys)
	}
	r.Settle(0)
	redistest.Until(t, "no bucket", func() bool { return server.Do("HEXISTS", keys[0], "burst") == int64(0) })
	if left := server.Do("PTTL", keys[0]).(int64); left > 20_000 {
		t.Errorf("it's forgotten in %d ms", left)
	}
}

// One request is one command on the path, which says also what the last one of its client used.
func TestRoundTrips(t *testing.T) {
	server := redistest.Start(t)
	store := redisStore(t, configOf(server), ratelimit.RedisConfig{})
	l, client := limiter(t, ratelimit.PlanConfig{MaxConcurrent: 3, Buckets: buckets(1000, slow)}, ratelimit.Options{Store: store})
	r, _ := take(t, l, client("a"), 10) // loads the script
	r.Settle(5)
	available(t, l, client("a"), 0, 995)
	redistest.Until(t, "the first beat, which loads the other script", func() bool { return server.Do("DBSIZE") == int64(2) })
	server.Do("CONFIG", "RESETSTAT")
	for range 20 {
		r, _ := take(t, l, client("b"), 10)
		r.Settle(5)
	}
	available(t, l, client("b"), 0, 900)
	stats := fmt.Sprint(server.Do("INFO", "commandstats"))
	for _, command := range []string{"eval:", "keys", "scan", "evalsha_ro"} {
		if strings.Contains(stats, "cmdstat_"+command) {
			t.Errorf("%s is among %s", command, stats)
		}
	}
	var calls int
	if _, rest, ok := strings.Cut(stats, "cmdstat_evalsha:calls="); ok {
		_, _ = fmt.Sscan(rest, &calls)
	}
	// One each, or two when the machine was slow.
	if calls < 20 || calls > 2*21 {
		t.Errorf("%d runs of the script", calls)
	}
}

// What costs what it was estimated to needs no settling when nobody counts what is under way.
func TestNothingToSettle(t *testing.T) {
	server := redistest.Start(t)
	store := redisStore(t, configOf(server), ratelimit.RedisConfig{})
	l, client := limiter(t, ratelimit.PlanConfig{Buckets: buckets(1000, slow)}, ratelimit.Options{Store: store})
	_, _ = take(t, l, client("a"), 10) // loads the script
	redistest.Until(t, "the first beat, which loads the other script", func() bool { return server.Do("DBSIZE") == int64(2) })
	server.Do("CONFIG", "RESETSTAT")
	for range 20 {
		r, _ := take(t, l, client("a"), 10)
		r.Settle(10)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if stats := fmt.Sprint(server.Do("INFO", "commandstats")); !strings.Contains(stats, "cmdstat_evalsha:calls=20,") &&
		!strings.Contains(stats, "cmdstat_evalsha:calls=21,") { // one says that the instance is gone
		t.Error(stats)
	}
}

// Lanes have the slots that a Cluster's nodes have.
func TestSlot(t *testing.T) {
	nodes := redistest.Cluster(t, 3)
	for _, key := range []string{"tributary:{a}", "tributary:{YWJjZGVm_-g}", "{x}y"} {
		if want := nodes[0].Do("CLUSTER", "KEYSLOT", key); int64(ratelimit.Slot(key)) != want {
			t.Errorf("%s: %d, want %v", key, ratelimit.Slot(key), want)
		}
	}
}

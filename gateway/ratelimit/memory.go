package ratelimit

import (
	"context"
	"hash/maphash"
	"sync"
	"time"
)

// Memory is the Store of one process.
//
// It's bounded: a client whose buckets are full and that has nothing under way is dropped, because a client that isn't
// there is the same. A client whose buckets aren't full is never dropped, or it would get them filled by being crowded
// out; once there are as many of those as may be, newcomers share one set of buckets for each plan, until there's room.
// So many addresses that spend a little each can take from newcomers, but neither memory nor points from anybody else.
type Memory struct {
	seed   maphash.Seed
	start  time.Time
	lease  int64 // microseconds
	perMap int   // clients
	shards [memoryShards]memoryShard
}

const (
	memoryShards = 64
	few          = 128 // clients of a shard that may stay though they are idle
)

type memoryShard struct {
	mu      sync.Mutex // guards clients and what is in them
	clients map[string]*account
}

// account is one client.
type account struct {
	client string
	names  [MaxBuckets]string // of the buckets in levels; "" is unused
	levels [MaxBuckets]level
	rules  [MaxBuckets]policy // as last used, to know when a bucket is full
	under  map[uint64]int64   // reservations under way: when they expire
	sweep  int                // len of under at which it's looked through for expired ones
	// spent says that points were taken here that another store, which this one stands in for, doesn't know of.
	spent bool
}

var _ Store = (*Memory)(nil)

// NewMemory makes a store for up to maxClients clients with points spent, whose reservations are known for lease.
func NewMemory(maxClients int, lease time.Duration) *Memory {
	m := &Memory{
		seed: maphash.MakeSeed(), start: time.Now(), lease: lease.Microseconds(),
		perMap: max(1, maxClients/memoryShards),
	}
	for i := range m.shards {
		m.shards[i].clients = map[string]*account{}
	}
	return m
}

// now is in microseconds. It's monotonic, and never 0, which is the time of a level that was never used.
func (m *Memory) now() int64 { return time.Since(m.start).Microseconds() + 1 }

func (m *Memory) shard(client string) *memoryShard {
	return &m.shards[maphash.String(m.seed, client)%memoryShards]
}

// Reserve implements Store. There's no error.
func (m *Memory) Reserve(_ context.Context, r *Request) (Outcome, Standing, error) {
	s, now := m.shard(r.Client), m.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.find(r.Client, r.Plan, now, m.perMap, !r.Look)
	if a == nil {
		return Admitted, Standing{}, nil
	}
	var standing Standing
	cost := min(r.Points, MaxCapacity) * micro
	outcome := Admitted
	for i, p := range r.Plan.policies {
		l := p.at(a.level(p), now)
		standing.levels[i] = l
		if !r.Look && !p.admits(l, cost) {
			outcome = Short
		}
	}
	if most := r.Plan.config.MaxConcurrent; !r.Look && outcome == Admitted && most > 0 && len(a.under) >= most {
		if a.expire(now); len(a.under) >= most {
			outcome = Busy
		}
	}
	if outcome == Admitted && !r.Look {
		a.begin(r.Seq, now, m.lease)
		a.spent = true
		for i, p := range r.Plan.policies {
			standing.levels[i] = p.add(standing.levels[i], cost)
			a.set(p, standing.levels[i])
		}
	}
	for i := range r.Plan.policies {
		standing.levels[i].at = max(0, standing.levels[i].at-now)
	}
	return outcome, standing, nil
}

// Settle implements Store. It's done when it returns.
func (m *Memory) Settle(s Settlement) {
	shard, now := m.shard(s.Client), m.now()
	shard.mu.Lock()
	defer shard.mu.Unlock()
	a := shard.clients[s.Client]
	if a == nil || !a.end(s.Seq, now) {
		if a = shard.clients[overflow(s.Plan)]; a == nil || !a.end(s.Seq, now) {
			return
		}
	}
	back := s.back()
	for _, p := range s.Plan.policies {
		a.set(p, p.add(p.at(a.level(p), now), -back))
	}
}

// learn takes over how a client's buckets stand in the store that m stands in for, of which share is the part of one of
// so many instances. When that store goes silent m goes on from there: an outage is no second helping. What was spent
// here in an earlier outage is forgotten when it has come back, not before, so that many short ones are none either.
func (m *Memory) learn(client string, share *Plan, instances int, standing *Standing) {
	n, full := int64(max(1, instances)), true
	for i := range share.policies {
		full = full && standing.levels[i].deficit == 0
	}
	s, now := m.shard(client), m.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.find(client, share, now, m.perMap, !full)
	if a == nil || a.client != client {
		return
	}
	owes := false
	for i, p := range share.policies {
		told, here := level{deficit: (standing.levels[i].deficit + n - 1) / n, at: now}, p.at(a.level(p), now)
		if a.spent && here.deficit > told.deficit {
			told, owes = here, true
		}
		a.set(p, told)
	}
	a.spent = owes
}

// Close implements Store.
func (m *Memory) Close(context.Context) error { return nil }

// Clients is how many clients are in memory.
func (m *Memory) Clients() int {
	n := 0
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		n += len(s.clients)
		s.mu.Unlock()
	}
	return n
}

// overflow names the account that newcomers share. No client's name begins with a zero byte.
func overflow(p *Plan) string { return "\x00" + p.name }

// find returns a client's account, makes one when add says so, and nil when there's none. Each new account beyond a few
// pays for looking at some others, so that idle ones go as fast as new ones come.
func (s *memoryShard) find(client string, p *Plan, now int64, most int, add bool) *account {
	if a := s.clients[client]; a != nil || !add {
		return a
	}
	if len(s.clients) > few {
		s.drop(now, 4)
	}
	if len(s.clients) >= most && s.drop(now, 32) == 0 {
		client = overflow(p)
		if a := s.clients[client]; a != nil {
			return a
		}
	}
	a := &account{client: client}
	s.clients[client] = a
	return a
}

// drop looks at some accounts, anywhere, and forgets those that are as if they weren't there.
func (s *memoryShard) drop(now int64, look int) (dropped int) {
	for name, a := range s.clients {
		if look--; look < 0 {
			break
		}
		if a.idle(now) {
			delete(s.clients, name)
			dropped++
		}
	}
	return dropped
}

func (a *account) idle(now int64) bool {
	for i, name := range a.names {
		if name != "" && a.rules[i].at(a.levels[i], now).deficit > 0 {
			return false
		}
	}
	a.expire(now)
	return len(a.under) == 0
}

// level is a bucket's, by its name, so that a plan can change.
func (a *account) level(p policy) level {
	for i := range a.names {
		if a.names[i] == p.name {
			return a.levels[i]
		}
	}
	return level{}
}

// set keeps a level. Of more buckets than there is room for, when a client's plan changed, the fullest gives way.
func (a *account) set(p policy, l level) {
	place := 0
	for i, name := range a.names {
		if name == p.name {
			place = i
			break
		}
		if name == "" || a.names[place] != "" && a.levels[i].deficit < a.levels[place].deficit {
			place = i
		}
	}
	a.names[place], a.levels[place], a.rules[place] = p.name, l, p
}

// begin notes a reservation.
func (a *account) begin(seq uint64, now, lease int64) {
	if a.under == nil {
		a.under = map[uint64]int64{}
	}
	if len(a.under) >= max(a.sweep, 32) {
		a.expire(now)
		a.sweep = 2 * len(a.under)
	}
	a.under[seq] = now + lease
}

// end says whether a reservation was under way, and forgets it.
func (a *account) end(seq uint64, now int64) bool {
	expires, ok := a.under[seq]
	delete(a.under, seq)
	return ok && expires > now
}

// expire forgets the reservations whose lease ended.
func (a *account) expire(now int64) {
	for seq, expires := range a.under {
		if expires <= now {
			delete(a.under, seq)
		}
	}
}

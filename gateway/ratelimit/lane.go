package ratelimit

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tributary-gateway/tributary/gateway/redisconn"
)

const (
	// maxBatch is how many calls of Reserve go together.
	maxBatch = 256
	// linger is how long a settlement waits for an operation to go with.
	linger = 2 * time.Millisecond
	// shortPause is how long what nobody waits for isn't sent again after a failure; each further one doubles it.
	shortPause = 10 * time.Millisecond
	longPause  = 250 * time.Millisecond
	// patience is for how long those who are about to ask go first.
	patience = time.Millisecond
	// fewTabs may stay though there's nothing on them.
	fewTabs = 1024
)

// lane carries what is asked about some of the clients, one pipeline at a time. What comes meanwhile goes together in the
// next.
type lane struct {
	store *Redis
	start time.Time
	wake  chan struct{}

	mu          sync.Mutex // guards what follows
	jobs        []*job
	settlements []Settlement
	sleeps      bool // until it's woken
	alarmed     bool // or until it wakes by itself
	closed      bool

	// The rest is work's alone.
	tabs  map[holder]*tab
	ids   map[*Plan]string
	due   []*tab // those with something to tell, or somebody who asks
	batch []*tab
	run   int64         // number of the last run of the script
	alarm time.Time     // when what nobody waits for is sent
	pause time.Duration // until then, after a failure
}

// holder is whose tab it is.
type holder struct {
	client string
	plan   *Plan
}

func newLane(r *Redis) *lane {
	return &lane{
		store: r, start: time.Now(), wake: make(chan struct{}, 1),
		tabs: map[holder]*tab{}, ids: map[*Plan]string{},
	}
}

// ask puts a job into the queue; ok is false when the lane is closed.
func (l *lane) ask(j *job) (ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.jobs = append(l.jobs, j)
	l.rouse()
	return true
}

func (l *lane) settle(s Settlement) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.settlements) >= l.store.config.Queue || l.store.flush.Err() != nil {
		return
	}
	l.settlements = append(l.settlements, s)
	if !l.alarmed {
		l.rouse()
	}
}

func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.rouse()
}

// rouse is called with the lock.
func (l *lane) rouse() {
	if !l.sleeps {
		return
	}
	l.sleeps = false
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// work goes on until the lane is closed and all is told, or Close gives up.
func (l *lane) work() {
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	var jobs []*job
	var settlements []Settlement
	for l.store.flush.Err() == nil {
		var idle, closed bool
		l.gather()
		jobs, settlements, idle, closed = l.take(jobs[:0], settlements[:0])
		l.sort(jobs, settlements)
		wait := time.Until(l.alarm)
		if closed && l.pause == 0 {
			wait = 0
		}
		switch {
		case len(jobs) > 0 || len(l.due) > 0 && wait <= 0:
			l.send()
		case !idle:
		case len(l.due) == 0 && closed:
			return
		default:
			alarm.Reset(wait)
			if len(l.due) == 0 {
				alarm.Stop()
			}
			select {
			case <-l.wake:
			case <-alarm.C:
			case <-l.store.flush.Done():
			}
		}
	}
	jobs, _, _, _ = l.take(nil, nil)
	for _, j := range jobs {
		j.refuse(errClosed)
	}
}

// gather lets those who are about to ask go first, as long as they come, so that on a busy machine more go together. On an
// idle one it's no time.
func (l *lane) gather() {
	for begun := time.Now(); time.Since(begun) < patience; {
		before := l.waiting()
		if runtime.Gosched(); l.waiting() == before {
			return
		}
	}
}

func (l *lane) waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.jobs)
}

// take empties the queues into slices that were used before. When there's nothing in them the lane counts as asleep.
func (l *lane) take(jobs []*job, settlements []Settlement) (_ []*job, _ []Settlement, idle, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.jobs), maxBatch)
	jobs, l.jobs = l.jobs[:n], append(jobs, l.jobs[n:]...)
	settlements, l.settlements = l.settlements, settlements
	idle = n == 0 && len(settlements) == 0
	l.sleeps, l.alarmed = idle, idle && len(l.due) > 0
	return jobs, settlements, idle, l.closed
}

// sort puts what was taken on the tabs of clients.
func (l *lane) sort(jobs []*job, settlements []Settlement) {
	now, none := l.now(), len(l.due) == 0
	for _, s := range settlements {
		if t := l.tabs[holder{s.Client, s.Plan}]; t != nil {
			if t.settle(s, now, l.lease()); t.untold() {
				l.list(t)
			}
		}
	}
	if none && l.pause == 0 {
		l.alarm = time.Now().Add(linger)
	}
	for _, j := range jobs {
		// Who has waited for half of its time already would only be told later that there's no answer.
		if time.Since(j.since) > l.store.config.Timeout/2 {
			j.refuse(errSlow)
			continue
		}
		t := l.tab(holder{j.request.Client, j.request.Plan}, now)
		t.jobs = append(t.jobs, j)
		l.list(t)
	}
}

func (l *lane) list(t *tab) {
	if !t.due {
		t.due = true
		l.due = append(l.due, t)
	}
}

// send runs the script for those who ask, and for those who don't unless it failed a moment ago.
func (l *lane) send() {
	begun := time.Now()
	deadline, all := begun.Add(l.store.config.Timeout), !begun.Before(l.alarm) || l.pause == 0
	batch, rest := l.batch[:0], l.due[:0]
	for _, t := range l.due {
		switch {
		case len(t.jobs) > 0:
			if d := t.jobs[0].since.Add(l.store.config.Timeout); d.Before(deadline) {
				deadline = d
			}
			batch = append(batch, t)
		case !t.untold():
			t.due = false
		case all && len(batch) < maxBatch:
			batch = append(batch, t)
		default:
			rest = append(rest, t)
		}
	}
	l.due = rest
	if len(batch) == 0 {
		return
	}
	commands := l.spend(batch, deadline)
	now, failed := l.now(), false
	for i, t := range batch {
		err := commands[i].Err()
		if err == nil {
			err = t.answered(commands[i].Val(), now, l.lease())
		}
		switch {
		case err == nil:
		case errors.Is(err, redisconn.ErrDown):
			t.unsent(err)
			failed = true
		default:
			t.failed(err, now, l.lease())
			failed = true
		}
		if t.due = t.untold() && now < t.until; t.due {
			l.due = append(l.due, t)
		} else {
			t.forget()
		}
	}
	clear(batch)
	l.batch = batch[:0]
	switch {
	case !failed:
		l.pause, l.alarm = 0, time.Now().Add(linger)
	case all:
		l.pause = min(max(2*l.pause, shortPause), longPause)
		l.alarm = time.Now().Add(l.pause)
	}
}

// spend runs the script for each tab.
func (l *lane) spend(batch []*tab, deadline time.Time) []*redis.Cmd {
	ctx, cancel := context.WithDeadline(l.store.flush, deadline)
	defer cancel()
	commands := make([]*redis.Cmd, len(batch))
	if len(batch) == 1 {
		commands[0] = l.store.spend.EvalSha(ctx, l.store.client, []string{batch[0].key}, l.begin(batch[0])...)
	} else {
		pipeline := l.store.client.Pipeline()
		for i, t := range batch {
			commands[i] = l.store.spend.EvalSha(ctx, pipeline, []string{t.key}, l.begin(t)...)
		}
		_, _ = pipeline.Exec(ctx) // each command has its own error
	}
	for i, t := range batch {
		if redis.HasErrorPrefix(commands[i].Err(), "NOSCRIPT") { // a new or restarted server
			commands[i] = l.store.spend.Eval(ctx, l.store.client, []string{t.key}, l.begin(t)...)
		}
	}
	return commands
}

func (l *lane) begin(t *tab) []any {
	t.expire(l.now())
	l.run++
	return t.begin(l.run, l.lease())
}

// tab returns a client's, or makes one. Each new one beyond a few pays for looking at some others, so that those with
// nothing on them go as fast as new ones come, and of too many some are forgotten: their estimates stay charged.
func (l *lane) tab(h holder, now int64) *tab {
	if t := l.tabs[h]; t != nil {
		return t
	}
	if len(l.tabs) > fewTabs {
		look, many := 4, len(l.tabs) >= l.store.config.Queue
		for name, t := range l.tabs {
			if look--; look < 0 {
				break
			}
			if t.expire(now); len(t.under) > 0 || len(t.jobs) > 0 || t.untold() && !many {
				continue
			}
			t.forget()
			delete(l.tabs, name)
		}
	}
	id := l.ids[h.plan]
	if id == "" {
		id = l.store.id + strconv.Itoa(len(l.ids))
		l.ids[h.plan] = id
	}
	t := &tab{plan: h.plan, key: l.store.key(h.client), id: id, under: map[uint64]int64{}}
	l.tabs[h] = t
	return t
}

// now is in microseconds.
func (l *lane) now() int64 { return time.Since(l.start).Microseconds() }

func (l *lane) lease() int64 { return l.store.config.Lease.Microseconds() }

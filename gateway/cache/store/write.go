package store

import (
	"context"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// A fill and a purge keep out of each other's way like this. A fill writes the entry, which nobody believes yet, and adds
// its key to the sets of its tags. Then it looks at the tags' marks: if one is as young as the fetch, what was fetched
// may be from before the purge, and the entry stays unbelieved until it ends, soon. Otherwise it's declared valid, if it's
// still there. A purge leaves its marks first, then drops what the sets name. So either the fill sees the mark, or the
// mark came after it looked, and then the purge finds its key in the set and drops the entry.
//
// How old a mark is says its TTL, and how old a fetch is says the process that made it: no two clocks are compared.

const (
	writers      = 2
	batch        = 32
	stageTimeout = time.Second
	// unbelieved is how long an entry stays whose fill goes no further.
	unbelieved = 10 * time.Second
	// unheard is how long another process's purge may be unheard here.
	unheard = time.Second
	// longer is how much longer a set lives than what it names.
	longer = time.Minute
)

// write is an entry on its way to Redis.
type write struct {
	it   *item
	over bool // it may be made of other entries
	then func()

	sealed []byte
	start  time.Time // of the look at the marks
	drop   Reason
}

// enlist adds a key to the set of a tag and takes out those whose time is over.
// ARGV: key, how long its entry is kept in ms, how much longer the set is, a part of a ms that no other fill has.
var enlist = redis.NewScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], string.format('%.17g', now + ARGV[2] + ARGV[4] / 4096), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.17g', now - 1000))
local ttl = ARGV[2] + ARGV[3]
if redis.call('PTTL', KEYS[1]) < ttl then redis.call('PEXPIRE', KEYS[1], string.format('%.0f', ttl)) end
return 1`)

// confirm declares an entry valid that is still the one with this nonce.
// ARGV: nonce, where it stands first and last, where validity stands, its value, how long the entry is kept in ms.
var confirm = redis.NewScript(`
if redis.call('GETRANGE', KEYS[1], ARGV[2], ARGV[3]) ~= ARGV[1] then return 0 end
redis.call('SETRANGE', KEYS[1], ARGV[4], ARGV[5])
return redis.call('PEXPIRE', KEYS[1], ARGV[6])`)

// queue takes a write, or drops it when there are too many.
func (r *remote) queue(w write) {
	size := int64(len(w.it.entry.Body) + len(w.it.entry.Meta))
	r.undone.Add(1)
	if r.waiting.Add(size) <= r.store.config.QueueBytes {
		select {
		case r.writes <- w:
			return
		default:
		}
	}
	r.waiting.Add(-size)
	r.store.metrics.CacheDropped(QueueFull)
	w.then()
	r.undone.Add(-1)
}

func (r *remote) finish(w write) {
	r.waiting.Add(-int64(len(w.it.entry.Body) + len(w.it.entry.Meta)))
	w.then()
	r.undone.Add(-1)
}

func (r *remote) writeAll() {
	for {
		select {
		case <-r.ctx.Done():
			return
		case w := <-r.writes:
			all := []write{w}
			for more := true; more && len(all) < batch; {
				select {
				case w := <-r.writes:
					all = append(all, w)
				default:
					more = false
				}
			}
			r.write(all)
			for _, w := range all {
				r.finish(w)
			}
		}
	}
}

// write brings entries through the stages.
func (r *remote) write(all []write) {
	s := r.store
	pending := make([]*write, 0, len(all))
	for i := range all {
		w := &all[i]
		if s.guard.since(w.it.start, w.it.entry.Tags) {
			w.drop = Purged
		} else if !s.now().Before(w.it.entry.StaleUntil) {
			w.drop = Expired
		} else {
			w.sealed = seal(w.it.entry)
		}
		pending = append(pending, w)
	}
	for _, stage := range []func([]*write) bool{r.place, r.inspect, r.declare} {
		left := pending[:0]
		for _, w := range pending {
			if w.drop == "" {
				left = append(left, w)
			}
		}
		if pending = left; len(pending) == 0 || !stage(pending) {
			break
		}
	}
	for i := range all {
		if drop := all[i].drop; drop != "" {
			s.metrics.CacheDropped(drop)
			if drop == Purged {
				s.local.drop(all[i].it)
			}
		}
	}
}

// exec sends a pipeline. fill may be called twice: the second time, scripts are sent whole, because a server didn't know
// one.
func (r *remote) exec(fill func(ctx context.Context, pipe redis.Pipeliner, run runner)) {
	ctx, cancel := context.WithTimeout(r.ctx, stageTimeout)
	defer cancel()
	known := true
	for range 2 {
		pipe := r.client.Pipeline()
		fill(ctx, pipe, func(script *redis.Script, key string, args ...any) *redis.Cmd {
			if known {
				return script.EvalSha(ctx, pipe, []string{key}, args...)
			}
			return script.Eval(ctx, pipe, []string{key}, args...)
		})
		commands, err := pipe.Exec(ctx)
		if err == nil {
			return
		}
		again := false
		for _, c := range commands {
			again = again || c.Err() != nil && strings.HasPrefix(c.Err().Error(), "NOSCRIPT")
		}
		if !again || !known {
			return
		}
		known = false
	}
}

type runner func(script *redis.Script, key string, args ...any) *redis.Cmd

// tagsOf are the tags under which an entry is listed.
func tagsOf(e *Entry) []string { return append(e.Tags[:len(e.Tags):len(e.Tags)], allTag(e.Key)) }

// place writes entries and lists their keys.
func (r *remote) place(all []*write) bool {
	commands := make([][]redis.Cmder, len(all))
	r.exec(func(ctx context.Context, pipe redis.Pipeliner, run runner) {
		for i, w := range all {
			commands[i] = commands[i][:0]
			e, key := w.it.entry, r.entryKey(w.it.entry.Key)
			ttl := e.StaleUntil.Sub(r.store.now())
			part := binary.BigEndian.Uint16(w.sealed[atNonce:]) & 4095
			for _, tag := range tagsOf(e) {
				commands[i] = append(commands[i], run(enlist, r.tagKey(tag), key, max(1, ttl.Milliseconds()), longer.Milliseconds(), part))
			}
			commands[i] = append(commands[i], pipe.Set(ctx, key, w.sealed, max(time.Millisecond, min(ttl, unbelieved))))
		}
	})
	var repair []string
	for i, w := range all {
		for _, c := range commands[i] {
			if err := c.Err(); err != nil {
				w.drop = Failed
				if strings.HasPrefix(err.Error(), "WRONGTYPE") {
					repair = append(repair, c.(interface{ Args() []any }).Args()[3].(string))
				}
			}
		}
		if w.drop != "" { // an older entry may be there still, and be named too briefly now
			repair = append(repair, r.entryKey(w.it.entry.Key))
		}
	}
	r.unlink(repair)
	return true
}

// unlink drops keys, if Redis can be reached. What it holds there is of no use.
func (r *remote) unlink(keys []string) {
	if len(keys) == 0 {
		return
	}
	r.exec(func(ctx context.Context, pipe redis.Pipeliner, _ runner) {
		for _, key := range keys {
			pipe.Unlink(ctx, key)
		}
	})
}

// inspect looks whether a purge came since the fetch, and whether the keys are still listed.
func (r *remote) inspect(all []*write) bool {
	type look struct {
		marks  []*redis.DurationCmd
		by     []*redis.StringCmd // whose they are, for one that's made of other entries
		listed []*redis.FloatCmd
	}
	looks := make([]look, len(all))
	started := r.store.now()
	r.exec(func(ctx context.Context, pipe redis.Pipeliner, _ runner) {
		for i, w := range all {
			looks[i] = look{}
			w.start = started
			for _, tag := range append(w.it.entry.Tags[:len(w.it.entry.Tags):len(w.it.entry.Tags)], All) {
				looks[i].marks = append(looks[i].marks, pipe.PTTL(ctx, r.markKey(tag)))
				if w.over {
					looks[i].by = append(looks[i].by, pipe.Get(ctx, r.markKey(tag)))
				}
			}
			for _, tag := range tagsOf(w.it.entry) {
				looks[i].listed = append(looks[i].listed, pipe.ZScore(ctx, r.tagKey(tag), r.entryKey(w.it.entry.Key)))
			}
		}
	})
	now := r.store.now()
	for i, w := range all {
		fetched := now.Sub(w.it.start)
		if fetched > remembered-time.Minute {
			w.drop = Expired
		}
		for j, mark := range looks[i].marks {
			fetched := fetched
			if w.over && looks[i].by[j].Val() != r.origin {
				fetched += unheard
			}
			switch left, err := mark.Result(); {
			case err != nil:
				w.drop = Failed
			case left == -2: // no mark
			case left < 0 || remembered-left <= fetched+2*time.Millisecond:
				w.drop = Purged
			}
		}
		for _, listed := range looks[i].listed {
			if err := listed.Err(); errors.Is(err, redis.Nil) {
				w.drop = Purged
			} else if err != nil {
				w.drop = Failed
			}
		}
	}
	return true
}

// declare makes entries valid, and lets the process serve its own as long as those it reads from Redis.
func (r *remote) declare(all []*write) bool {
	commands := make([]*redis.Cmd, len(all))
	r.exec(func(_ context.Context, _ redis.Pipeliner, run runner) {
		for i, w := range all {
			e := w.it.entry
			ttl := e.StaleUntil.Sub(r.store.now())
			commands[i] = run(confirm, r.entryKey(e.Key), w.sealed[atNonce:atSum], atNonce, atSum-1, atValid, string([]byte{valid}),
				strconv.FormatInt(max(1, ttl.Milliseconds()), 10))
		}
	})
	for i, w := range all {
		switch n, err := commands[i].Int(); {
		case err != nil:
			w.drop = Failed
		case n == 0:
			w.drop = Purged
		default:
			w.it.until.Store(earlier(w.it.entry.StaleUntil, w.start.Add(r.store.config.L1TTL)).UnixNano())
		}
	}
	return true
}

package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	chunk = 256 // keys of a set at once
	// retryEvery is how often a purge is said again that Redis didn't take, and retryFor how long one try may take.
	retryEvery = 200 * time.Millisecond
	retryFor   = 10 * time.Second
	// mostUnsaid is how many purges may wait; more become one of everything.
	mostUnsaid = 1000
	// silence is after how long without a message the connection is tried.
	silence = 2 * time.Second
)

// delist takes a key out of a set, if it's there for the entry that was dropped and not for a newer one.
var delist = redis.NewScript(`
local out = 0
for i = 1, #ARGV, 2 do
  if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i])) == tonumber(ARGV[i + 1]) then out = out + redis.call('ZREM', KEYS[1], ARGV[i]) end
end
return out`)

// message is what processes tell each other.
type message struct {
	From string   `json:"from"`
	Tags []string `json:"tags"`
}

func (r *remote) purge(ctx context.Context, tags []string) (int, error) {
	s := r.store
	s.guard.await(tags) // Redis isn't believed about them until it knows
	s.forget(tags)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.PurgeTimeout)
	defer cancel()
	count, err := r.say(ctx, tags, false)
	if err != nil {
		s.logger.WarnContext(ctx, "a purge waits for redis", "reason", err)
		r.later(tags)
		return count, fmt.Errorf("%w: %w", ErrUnconfirmed, err)
	}
	r.said(tags, count)
	return count, nil
}

// said is what there is to do once Redis knows: what was read from it meanwhile goes too.
func (r *remote) said(tags []string, count int) {
	r.store.forget(tags)
	r.store.guard.done(tags)
	r.store.metrics.CachePurged(count)
}

// say leaves the marks and drops what the sets name, twice, and tells the others. A full Redis takes no marks, but drops: so much
// is done then all the same. again says that it was tried before; what can be dropped goes first then.
func (r *remote) say(ctx context.Context, tags []string, again bool) (count int, err error) {
	if again {
		if count, err = r.emptyAll(ctx, tags); err != nil {
			return count, err
		}
	}
	marked := r.mark(ctx, tags)
	if marked != nil && (again || !strings.HasPrefix(marked.Error(), "OOM")) {
		return count, marked
	}
	n, err := r.emptyAll(ctx, tags)
	count += n
	if err != nil {
		return count, err
	}
	if marked == nil { // what was made meanwhile of entries that weren't dropped yet is from before, too: once more
		if marked = r.mark(ctx, tags); marked == nil {
			n, err = r.emptyAll(ctx, tags)
			count += n
		}
	}
	if err = errors.Join(err, marked); err != nil && !strings.HasPrefix(err.Error(), "OOM") {
		return count, err
	}
	text, err := json.Marshal(message{r.origin, tags})
	if err != nil {
		return count, err
	}
	err = r.client.SPublish(ctx, r.channel(), text).Err()
	if unknown(err) {
		err = r.client.Publish(ctx, r.channel(), text).Err()
	}
	if err != nil { // Redis knows, and who doesn't hear of it finds out within L1TTL
		r.store.logger.WarnContext(ctx, "other gateways weren't told of a purge", "reason", err)
	}
	return count, marked
}

// mark leaves the marks of tags.
func (r *remote) mark(ctx context.Context, tags []string) error {
	pipe := r.client.Pipeline()
	for _, tag := range tags {
		pipe.Set(ctx, r.markKey(tag), r.origin, remembered)
	}
	_, err := pipe.Exec(ctx)
	return err
}

// emptyAll drops the entries with one of the tags.
func (r *remote) emptyAll(ctx context.Context, tags []string) (count int, err error) {
	for _, tag := range tags {
		sets := []string{tag}
		if tag == All {
			sets = sets[:0]
			for i := range allShards {
				sets = append(sets, fmt.Sprintf("%s/%d", All, i))
			}
		}
		for _, set := range sets {
			n, err := r.empty(ctx, r.tagKey(set))
			count += n
			if err != nil {
				return count, err
			}
		}
	}
	return count, nil
}

// unknown says whether a server is too old for a command.
func unknown(err error) bool {
	return err != nil && strings.Contains(strings.ToLower(err.Error()), "unknown command")
}

// empty drops the entries that a set names.
func (r *remote) empty(ctx context.Context, set string) (count int, err error) {
	for from := int64(0); ; {
		named, err := r.client.ZRangeWithScores(ctx, set, from, from+chunk-1).Result()
		if err != nil && strings.HasPrefix(err.Error(), "WRONGTYPE") { // somebody else's: nothing is listed there
			return count, r.client.Unlink(ctx, set).Err()
		}
		if err != nil || len(named) == 0 {
			return count, err
		}
		pipe := r.client.Pipeline()
		dropped := make([]*redis.IntCmd, 0, len(named))
		args := make([]any, 0, 2*len(named))
		for _, z := range named {
			key, _ := z.Member.(string)
			if strings.HasPrefix(key, r.base+"e:") { // whatever else is named there
				dropped = append(dropped, pipe.Unlink(ctx, key))
			}
			args = append(args, key, strconv.FormatFloat(z.Score, 'g', -1, 64))
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return count, err
		}
		for _, d := range dropped {
			count += int(d.Val())
		}
		out, err := delist.Run(ctx, r.client, []string{set}, args...).Int64()
		if err != nil {
			return count, err
		}
		from += int64(len(named)) - out
		if len(named) < chunk {
			return count, nil
		}
	}
}

// later has a purge said again until Redis takes it.
func (r *remote) later(tags []string) {
	r.mu.Lock()
	r.unsaid = append(r.unsaid, tags)
	if len(r.unsaid) > mostUnsaid {
		for _, tags := range r.unsaid[1:] {
			r.store.guard.done(tags)
		}
		r.store.guard.await([]string{All})
		r.unsaid = append(r.unsaid[:1:1], []string{All})
	}
	r.mu.Unlock()
	select {
	case r.retry <- struct{}{}:
	default:
	}
}

func (r *remote) sayLater() {
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-r.retry:
		}
		for r.ctx.Err() == nil {
			r.mu.Lock()
			if len(r.unsaid) == 0 {
				r.mu.Unlock()
				break
			}
			tags := r.unsaid[0]
			r.mu.Unlock()
			ctx, cancel := context.WithTimeout(r.ctx, retryFor)
			count, err := r.say(ctx, tags, true)
			cancel()
			if err != nil {
				r.pause(retryEvery)
				continue
			}
			r.said(tags, count)
			r.mu.Lock()
			r.unsaid = r.unsaid[1:]
			r.mu.Unlock()
		}
	}
}

func (r *remote) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.ctx.Done():
	}
}

// listen hears of purges in other processes. What this process keeps is dropped when the connection is lost, and again
// when there's a new one: purges may have gone by unheard.
func (r *remote) listen() {
	s := r.store
	sharded := true
	for r.ctx.Err() == nil {
		subscribe := r.client.Subscribe
		if sharded {
			subscribe = r.client.SSubscribe
		}
		heard, err := r.hear(subscribe(r.ctx, r.channel()))
		if r.ctx.Err() != nil {
			return
		}
		if unknown(err) && sharded {
			sharded = false
			continue
		}
		if heard {
			s.metrics.CacheListening(false)
			s.forget([]string{All})
			s.logger.WarnContext(r.ctx, "purges of other gateways can't be heard", "reason", err)
		}
		r.pause(retryEvery)
	}
}

// hear takes messages until the connection is lost. heard says whether there was one.
func (r *remote) hear(sub *redis.PubSub) (heard bool, err error) {
	closed := func() { _ = sub.Close() }     // it's of no use any more
	defer context.AfterFunc(r.ctx, closed)() // a wait for messages doesn't look at its context
	defer closed()
	s := r.store
	asked := false
	for {
		received, err := sub.ReceiveTimeout(r.ctx, silence)
		if err != nil {
			var timeout net.Error
			if !asked && heard && errors.As(err, &timeout) && timeout.Timeout() && r.ctx.Err() == nil {
				if asked = true; sub.Ping(r.ctx) == nil {
					continue
				}
			}
			return heard, err
		}
		asked = false
		switch m := received.(type) {
		case *redis.Subscription:
			if m.Kind != "subscribe" && m.Kind != "ssubscribe" {
				return heard, errors.New("unsubscribed") // the channel's slot has moved
			}
			heard = true
			s.metrics.CacheListening(true)
			s.forget([]string{All})
		case *redis.Message:
			var told message
			if err := json.Unmarshal([]byte(m.Payload), &told); err != nil || len(told.Tags) == 0 {
				s.forget([]string{All}) // whatever it was
			} else if told.From != r.origin {
				s.forget(told.Tags)
			}
		}
	}
}

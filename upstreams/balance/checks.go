package balance

import (
	"context"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/health"
)

// returning is the time between the checks of an instance that is to return: shorter than usual.
const returning = 500 * time.Millisecond

// startChecks and endChecks are called with the pool's mutex held.
func (p *Pool) startChecks(one *Instance) {
	if p.checker == nil || p.closed {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	one.stop, one.wake = stop, make(chan struct{}, 1)
	wake, wait := one.wake, time.Duration(p.random.Int64N(int64(p.rules.Check.Interval)))
	p.checks.Go(func() { p.watch(ctx, one, wake, wait) })
}

func (i *Instance) endChecks() {
	if i.stop != nil {
		i.stop()
		i.stop, i.wake = nil, nil
	}
}

// watch asks an instance how it is until ctx ends. first is when it begins, so that many instances and many gateways
// don't ask all at once.
func (p *Pool) watch(ctx context.Context, instance *Instance, wake <-chan struct{}, first time.Duration) {
	timer := time.NewTimer(first)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake: // ejected: asked when that is over
			p.mu.Lock()
			next := p.nextCheck(time.Now(), instance)
			p.mu.Unlock()
			timer.Reset(next)
			continue
		case <-timer.C:
		}
		p.advance(time.Now(), instance)
		err := p.checker.Check(ctx, instance.url)
		if ctx.Err() != nil {
			return
		}
		timer.Reset(p.checked(time.Now(), instance, err))
	}
}

// advance lets an ejection end without a request.
func (p *Pool) advance(now time.Time, instance *Instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if instance.record.Advance(now) {
		p.fresh = time.Time{}
	}
}

// nextCheck is called with the mutex held. An instance that is to return is asked more often.
func (p *Pool) nextCheck(now time.Time, instance *Instance) time.Duration {
	interval := p.rules.Check.Interval
	switch instance.record.State() {
	case health.Ejected:
		return max(0, instance.record.Until().Sub(now))
	case health.Probing:
		return min(interval, returning)
	default:
		return interval
	}
}

// checked takes in what a check said and returns when the next is due.
func (p *Pool) checked(now time.Time, instance *Instance, err error) time.Duration {
	p.mu.Lock()
	before := instance.record.State()
	instance.record.Checked(now, err)
	p.settle(now, instance, before, time.Time{})
	next := p.nextCheck(now, instance)
	events := p.take()
	p.mu.Unlock()
	p.tell(events)
	return next
}

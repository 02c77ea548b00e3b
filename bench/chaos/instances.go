package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

const (
	// warm is how long clients ask before something breaks.
	warm = time.Second
	// broken is how long it stays broken.
	broken = 6 * time.Second
	// returning is how long a recovered instance is given to be taken back.
	returning = 20 * time.Second
)

// ejections breaks one of three instances in three ways.
func ejections(ctx context.Context, f *fleet) ([]figure, error) {
	var figures []figure
	for _, fault := range []string{"500", "reset before the answer", "refused"} {
		more, err := ejection(ctx, f, fault)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", fault, err)
		}
		figures = append(figures, more...)
		if err := f.calm(ctx); err != nil {
			return nil, err
		}
	}
	return figures, nil
}

func ejection(ctx context.Context, f *fleet, fault string) ([]figure, error) {
	bad := f.users[0]
	l := startLoad(ctx, f.gateway.address, perSecond, user)
	defer l.end()
	pause(ctx, warm)
	before, err := f.gets()
	if err != nil {
		return nil, err
	}

	begun := l.now()
	if fault == "refused" {
		bad.kill()
	} else if err := bad.misbehave(fault); err != nil {
		return nil, err
	}
	if err := f.becomes(ctx, bad, "ejected", broken); err != nil {
		return nil, err
	}
	ejected := l.now()
	atEjection, err := f.gets()
	if err != nil {
		return nil, err
	}
	pause(ctx, broken-(l.now()-begun))
	after, err := f.gets()
	if err != nil {
		return nil, err
	}

	repaired := l.now()
	if fault == "refused" {
		if err := bad.start(ctx); err != nil {
			return nil, err
		}
	} else if err := bad.misbehave("none"); err != nil {
		return nil, err
	}
	err = f.becomes(ctx, bad, "healthy", returning)
	if err != nil {
		return nil, err
	}
	back := l.now()
	pause(ctx, warm)
	samples := l.end()

	name := "one of three: " + fault + ": "
	figures := []figure{
		atMost(name+"client errors in 6 s", 100*failed(between(samples, begun, repaired)), 0.5, " %"),
		atMost(name+"client errors once ejected, and when taken back", 100*failed(between(samples, ejected+50*time.Millisecond, l.now())), 0, " %"),
		within(name+"time to eject", ejected-begun, 500*time.Millisecond),
		within(name+"time to take it back", back-repaired, 12*time.Second),
	}
	if fault != "refused" { // a process that doesn't run counts nothing
		asked := float64(len(between(samples, begun, repaired)))
		figures = append(figures,
			atMost(name+"traffic to it once ejected", 100*share(atEjection, after, 0), 5, " %"),
			atMost(name+"requests to the service for one of a client", float64(sum(after)-sum(before))/asked, 1.25, ""))
	}
	return figures, nil
}

// hanging stops the process of one of three instances.
func hanging(ctx context.Context, f *fleet) ([]figure, error) {
	bad := f.users[0]
	l := startLoad(ctx, f.gateway.address, perSecond, user)
	defer l.end()
	pause(ctx, warm)
	begun := l.now()
	if err := bad.signal(syscall.SIGSTOP); err != nil {
		return nil, err
	}
	err := f.becomes(ctx, bad, "ejected", broken)
	ejected := l.now()
	pause(ctx, broken-(l.now()-begun))
	repaired := l.now()
	if err := errors.Join(err, bad.signal(syscall.SIGCONT)); err != nil {
		return nil, err
	}
	if err := f.becomes(ctx, bad, "healthy", returning); err != nil {
		return nil, err
	}
	back := l.now()
	samples := l.end()
	return []figure{
		within("one of three: stopped: time to eject", ejected-begun, 2*time.Second),
		atMost("one of three: stopped: client errors", 100*failed(between(samples, begun, back)), 0.5, " %"),
		within("one of three: stopped: time to take it back", back-repaired, 12*time.Second),
	}, nil
}

// slow makes one of three instances answer after 800 ms.
func slow(ctx context.Context, f *fleet) ([]figure, error) {
	l := startLoad(ctx, f.gateway.address, perSecond, user)
	defer l.end()
	pause(ctx, warm)
	before, err := f.gets()
	if err != nil {
		return nil, err
	}
	if err := f.users[0].misbehave("slow"); err != nil {
		return nil, err
	}
	pause(ctx, broken)
	after, err := f.gets()
	if err != nil {
		return nil, err
	}
	samples := l.end()
	return []figure{
		atMost("one of three: 800 ms: traffic to it", 100*share(before, after, 0), 20, " %"),
		atMost("one of three: 800 ms: client errors", 100*failed(samples), 0, " %"),
	}, nil
}

// becomes waits until the gateway takes an instance for something.
func (f *fleet) becomes(ctx context.Context, m *member, state string, most time.Duration) error {
	return until(ctx, most, func() error {
		s, err := f.state(m)
		if err == nil && s != state && (state != "healthy" || s != "slow_start") {
			err = fmt.Errorf("%s is still %s after %v, not %s", m.name, s, most, state)
		}
		return err
	})
}

// gets is how often each instance of users was asked. One that doesn't run counts nothing.
func (f *fleet) gets() ([]int, error) {
	all := make([]int, len(f.users))
	for i, m := range f.users {
		if m.cmd == nil {
			continue
		}
		c, err := m.counts()
		if err != nil {
			return nil, err
		}
		all[i] = c.Gets
	}
	return all, nil
}

func sum(all []int) int {
	total := 0
	for _, n := range all {
		total += n
	}
	return total
}

// share is the part of what was asked between two counts that one instance got.
func share(before, after []int, of int) float64 {
	return float64(after[of]-before[of]) / float64(max(sum(after)-sum(before), 1))
}

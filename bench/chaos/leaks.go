package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const mebibyte = 1 << 20

// huge lets the services answer 100 MB, to eight clients at once.
func huge(ctx context.Context, f *fleet) ([]figure, error) {
	for _, m := range f.users {
		if err := m.misbehave("100 MB"); err != nil {
			return nil, err
		}
	}
	before, err := f.resources()
	if err != nil {
		return nil, err
	}
	var clients sync.WaitGroup
	done := make(chan struct{})
	for n := range 8 {
		clients.Go(func() {
			document, _ := user(n)
			_, _ = post(ctx, http.DefaultClient, f.gateway.address, document) // an error is the right answer
		})
	}
	go func() {
		defer close(done)
		clients.Wait()
	}()
	pid, most := strconv.Itoa(f.gateway.cmd.Process.Pid), before.memory
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			now, err := resident(pid)
			if err != nil {
				return nil, err
			}
			most = max(most, now)
			continue
		case <-done:
		}
		break
	}
	return []figure{atMost("8 answers of 100 MB at once: growth of memory", float64(most-before.memory)/mebibyte, 96, " MB")}, nil
}

// leaks runs every fault for a second and compares what the gateway holds before and after.
func leaks(ctx context.Context, f *fleet) ([]figure, error) {
	warmUp := startLoad(ctx, f.gateway.address, perSecond, user)
	pause(ctx, 2*time.Second)
	warmUp.end()
	before, err := f.settled(ctx, resources{})
	if err != nil {
		return nil, err
	}
	l := startLoad(ctx, f.gateway.address, perSecond, user)
	for _, fault := range faults {
		for _, m := range f.users {
			if err := m.misbehave(fault.name); err != nil {
				l.end()
				return nil, err
			}
		}
		pause(ctx, time.Second)
	}
	for _, m := range f.users {
		if err := m.signal(syscall.SIGSTOP); err != nil {
			l.end()
			return nil, err
		}
	}
	pause(ctx, time.Second)
	l.end()
	if err := f.calm(ctx); err != nil {
		return nil, err
	}
	after, err := f.settled(ctx, before)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("after all %d faults: ", len(faults))
	return []figure{
		atMost(name+"more goroutines", float64(after.goroutines-before.goroutines), 0, ""),
		atMost(name+"more files", float64(after.files-before.files), 40, ""),
		atMost(name+"more memory", float64(after.memory-before.memory)/mebibyte, 64, " MB"),
	}, nil
}

// settled gives the resources when they are down to goal, or don't shrink any more for 20 s.
func (f *fleet) settled(ctx context.Context, goal resources) (resources, error) {
	http.DefaultClient.CloseIdleConnections()
	least, err := f.resources()
	if err != nil {
		return least, err
	}
	since := time.Now()
	err = until(ctx, time.Minute, func() error {
		now, err := f.resources()
		if err != nil {
			return err
		}
		if now.goroutines < least.goroutines {
			since = time.Now()
		}
		if now.goroutines <= least.goroutines {
			least = now
		}
		enough := least.goroutines <= goal.goroutines && least.memory <= goal.memory+64*mebibyte
		if enough || time.Since(since) > 20*time.Second {
			return nil
		}
		return fmt.Errorf("the number of goroutines doesn't settle: %d", now.goroutines)
	})
	return least, err
}

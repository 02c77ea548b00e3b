package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// outage lets all instances answer 503.
func outage(ctx context.Context, f *fleet) ([]figure, error) {
	l := startLoad(ctx, f.gateway.address, perSecond, user)
	defer l.end()
	pause(ctx, warm)
	all := func(fault string) error {
		var problems []error
		for _, m := range f.users {
			problems = append(problems, m.misbehave(fault))
		}
		return errors.Join(problems...)
	}
	before, err := f.gets()
	if err != nil {
		return nil, err
	}
	begun := l.now()
	if err := all("503"); err != nil {
		return nil, err
	}
	pause(ctx, broken-2*time.Second)
	late := l.now()
	atLate, err := f.gets()
	if err != nil {
		return nil, err
	}
	pause(ctx, 2*time.Second)
	repaired := l.now()
	after, err := f.gets()
	if err != nil {
		return nil, err
	}
	if err := all("none"); err != nil {
		return nil, err
	}
	pause(ctx, 10*time.Second)
	samples := l.end()
	clients := func(from, to time.Duration) float64 { return float64(len(between(samples, from, to))) }
	return []figure{
		atMost("total outage: requests to the service for one of a client", float64(sum(after)-sum(before))/clients(begun, repaired), 1.2, ""),
		atMost("total outage: the same in its last 2 s", float64(sum(after)-sum(atLate))/clients(late, repaired), 0.5, ""),
		within("total outage: p99 to fail in the first 2 s", percentile(between(samples, begun, begun+2*time.Second), 0.99), 3500*time.Millisecond),
		within("total outage: p99 to fail once open", percentile(between(samples, late, repaired), 0.99), 50*time.Millisecond),
		within("total outage: recovery", recovery(samples, repaired), 6*time.Second),
	}, nil
}

// recovery is the time from an instant until all answers are good.
func recovery(samples []sample, from time.Duration) time.Duration {
	last := from
	for _, s := range samples {
		if s.begun >= from && !s.ok {
			last = s.begun
		}
	}
	return last - from
}

// partial asks for something of a service that is down, beside something of another.
func partial(ctx context.Context, f *fleet) ([]figure, error) {
	for _, m := range f.users {
		m.kill()
	}
	const document = `{ user(id: 1) { id } product(id: 1) { id name } }`
	a, err := post(ctx, http.DefaultClient, f.gateway.address, document)
	if err != nil {
		return nil, err
	}
	type told struct {
		Path       []any `json:"path"`
		Extensions struct {
			Code    string `json:"code"`
			Service string `json:"service"`
		} `json:"extensions"`
	}
	var failure told
	text := string(a.Data)
	for _, e := range a.Errors {
		text += string(e)
		if err := json.Unmarshal(e, &failure); err != nil {
			return nil, err
		}
	}
	right := string(a.Data) == `{"user":null,"product":{"id":"1","name":"name of 1"}}` && len(a.Errors) == 1 &&
		len(failure.Path) == 1 && failure.Path[0] == "user" &&
		failure.Extensions.Code == "UPSTREAM_UNAVAILABLE" && failure.Extensions.Service == "users"
	return []figure{
		{"partial data: the good field stands, one error with code, path and service", "always", text, right},
		{"partial data: nothing of an address", "always", "", !strings.Contains(text, "127.0.0.1")},
	}, nil
}

// bulkhead stops one service as a whole and asks another.
func bulkhead(ctx context.Context, f *fleet) ([]figure, error) {
	for _, m := range f.users {
		if err := m.signal(syscall.SIGSTOP); err != nil {
			return nil, err
		}
	}
	hung := startLoad(ctx, f.gateway.address, perSecond, user)
	defer hung.end()
	well := startLoad(ctx, f.gateway.address, perSecond/2, product)
	defer well.end()
	pause(ctx, broken)
	samples := well.end()
	return []figure{
		within("one service hangs: p99 of another", percentile(samples, 0.99), 250*time.Millisecond),
		atMost("one service hangs: client errors of another", 100*failed(samples), 0.5, " %"),
	}, nil
}

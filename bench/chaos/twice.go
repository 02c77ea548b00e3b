package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// twice sends orders while every fault there is happens to all instances, and counts what arrived.
func twice(ctx context.Context, f *fleet) ([]figure, error) {
	seen := map[string]int{}
	kinds := 0
	round := func(name string, begin, end func(m *member) error) error {
		kinds++
		for _, m := range f.users {
			if err := begin(m); err != nil {
				return err
			}
		}
		f.order(ctx, name)
		for _, m := range f.users {
			if err := end(m); err != nil {
				return err
			}
		}
		return nil
	}
	well := func(m *member) error { return m.misbehave("none") }
	for _, fault := range faults {
		if err := round(fault.name, func(m *member) error { return m.misbehave(fault.name) }, well); err != nil {
			return nil, err
		}
	}
	if err := round("stopped", func(m *member) error { return m.signal(syscall.SIGSTOP) }, func(m *member) error { return m.signal(syscall.SIGCONT) }); err != nil {
		return nil, err
	}
	// What is killed must be asked before what it has counted.
	if err := f.collect(seen); err != nil {
		return nil, err
	}
	killed := func(m *member) error {
		m.kill()
		return nil
	}
	if err := round("refused", killed, func(m *member) error { return m.start(ctx) }); err != nil {
		return nil, err
	}
	if err := f.collect(seen); err != nil {
		return nil, err
	}
	most, arrived := 0, 0
	for _, n := range seen {
		most = max(most, n)
		arrived += n
	}
	if arrived == 0 {
		return nil, fmt.Errorf("no order arrived")
	}
	return []figure{atMost(fmt.Sprintf("orders (POST) that arrived twice, over %d kinds of fault, %d orders", kinds, arrived), float64(most-1), 0, "")}, nil
}

// order places orders with notes of their own, ten at a time.
func (f *fleet) order(ctx context.Context, name string) {
	var clients sync.WaitGroup
	for n := range 10 {
		clients.Go(func() {
			client := http.Client{Timeout: 20 * time.Second}
			note := fmt.Sprintf("%s, %d", name, n)
			document := fmt.Sprintf(`mutation { createOrder(input: {customerId: "1", lines: [{productId: "1", quantity: 1}], note: %q}) { id } }`, note)
			_, _ = post(ctx, &client, f.gateway.address, document) // most of them must fail
		})
	}
	clients.Wait()
}

// collect adds what the instances have counted since they were started.
func (f *fleet) collect(seen map[string]int) error {
	for _, m := range f.users {
		c, err := m.counts()
		if err != nil {
			return err
		}
		for note, n := range c.Orders {
			seen[note] += n
		}
	}
	return nil
}

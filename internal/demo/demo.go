// Package demo is a small shop of five REST services, so that the gateway has something to answer from on a machine
// with nothing but Go.
//
// It knows what the shop sells and how each service speaks, and the services disagree on purpose, as services do:
// catalog wraps its lists and takes ids=1,2, users answers plain lists, inventory answers maps, orders counts in whole
// numbers and searches by POST, reviews is slow. The rows are made from a fixed seed, the same on every run; what
// mutations change lives in memory and is gone when the process ends. A service never asks another one: what it has to
// know about the others, it has its own copy of. The package has no dependency that could be down, and logs nothing.
package demo

import (
	"context"
	_ "embed" // for Query
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// Query is the document that GraphiQL opens with. It crosses four of the five services.
//
//go:embed query.graphql
var Query string

// Names are the services, as the schema and gateway.yaml spell them.
var Names = []string{"users", "catalog", "inventory", "orders", "reviews"}

// settings is what a test changes about the shop.
type settings struct {
	reviewDelay time.Duration
	now         func() time.Time
}

// Option changes how the services behave.
type Option func(*settings)

// ReviewDelay is how long the reviews service thinks about every request: 30 ms unless told otherwise.
func ReviewDelay(d time.Duration) Option { return func(s *settings) { s.reviewDelay = d } }

// Clock is where new orders, reviews and reservations get their time from: time.Now unless told otherwise.
func Clock(now func() time.Time) Option { return func(s *settings) { s.now = now } }

// Handler is one service with rows of its own, which no other handler shares. It panics when the name isn't one of
// Names.
func Handler(name string, options ...Option) http.Handler {
	s := settings{reviewDelay: 30 * time.Millisecond, now: time.Now}
	for _, option := range options {
		option(&s)
	}
	goods := newShop()
	switch name {
	case "users":
		return newUsers(goods)
	case "catalog":
		return newCatalog(goods)
	case "inventory":
		return newInventory(goods, s.now)
	case "orders":
		return newOrders(goods, s.now)
	case "reviews":
		return delayed(s.reviewDelay, newReviews(goods, s.now))
	}
	panic(fmt.Sprintf("demo: no service %q", name))
}

// Services are the five services, listening.
type Services struct {
	addresses map[string]string
	servers   []*http.Server
	stop      func() bool // forgets about the context of Start
}

// Start lets each service listen on a free port of the loopback interface. They end with Close, or with the context.
// The error is a port that could not be had, or a context that has already ended.
func Start(ctx context.Context, options ...Option) (*Services, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	s := &Services{addresses: make(map[string]string)}
	for _, name := range Names {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(fmt.Errorf("demo: service %s: %w", name, err), s.Close())
		}
		server := &http.Server{
			Handler:           Handler(name, options...),
			ReadHeaderTimeout: 5 * time.Second,
			IdleTimeout:       2 * time.Minute,
			ErrorLog:          log.New(io.Discard, "", 0),
		}
		s.addresses[name] = "http://" + listener.Addr().String()
		s.servers = append(s.servers, server)
		go func() { _ = server.Serve(listener) }() // always ends with an error, and Close knows why
	}
	s.stop = context.AfterFunc(ctx, func() { _ = s.closeServers() })
	return s, nil
}

// Address is where a service listens: "http://127.0.0.1:41287". Empty when the name isn't one of Names.
func (s *Services) Address(name string) string { return s.addresses[name] }

// Close ends the services and drops their connections. Closing again does nothing.
func (s *Services) Close() error {
	if s.stop != nil {
		s.stop()
	}
	return s.closeServers()
}

func (s *Services) closeServers() error {
	var errs []error
	for _, server := range s.servers {
		errs = append(errs, server.Close())
	}
	return errors.Join(errs...)
}

// delayed makes a service slow. A client that hangs up isn't waited for.
func delayed(d time.Duration, next http.Handler) http.Handler {
	if d <= 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
}

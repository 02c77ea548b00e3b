// Package upstreamtest is a REST service that follows a script, for tests.
//
// A script is a set of exchanges: a request that must come, exactly as it is sent, and what is answered to it, with the
// faults that real services have. It listens on a real socket of the loopback interface, so that what is tested
// includes net/http's part. Order doesn't matter, number does: an exchange is for one request. Requests that nothing in
// the script expects are answered with 599, and fail the test at its end just as exchanges that were never used do;
// the script is thereby the whole truth about what was sent. The package has no dependency that could be down.
package upstreamtest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Nowhere is the address of a service that isn't there: connections are refused.
const Nowhere = "http://127.0.0.1:1" // a reserved port below 1024; nothing listens there

// Unexpected is the status of the answer to a request that isn't in the script.
const Unexpected = 599

// Service is a scripted service that listens. Its methods may be called at any time, also concurrently.
type Service struct {
	server  *httptest.Server
	closing chan struct{} // ends the hanging
	close   sync.Once

	mu       sync.Mutex // guards what follows
	waiting  []expected // exchanges that no request has used
	requests []string
	problems []string
	arrivals []arrival
}

// expected is an exchange with its request in canonical text.
type expected struct {
	Exchange

	text string
}

// arrival waits for a number of requests.
type arrival struct {
	n     int
	ready chan struct{}
}

// Start lets a service listen until the test ends. A script that makes no sense, an unexpected request and an unused
// exchange are errors of the test.
func Start(t testing.TB, script ...Exchange) *Service {
	t.Helper()
	s := &Service{closing: make(chan struct{})}
	for i, x := range script {
		text, err := x.check()
		if err != nil {
			t.Fatalf("upstreamtest: exchange %d: %v", i+1, err)
		}
		s.waiting = append(s.waiting, expected{x, text})
	}
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.server.Config.ErrorLog = discard // what clients break off is what tests are about
	s.server.Start()
	t.Cleanup(func() {
		s.Close()
		for _, problem := range s.Problems() {
			t.Errorf("upstreamtest: %s", problem)
		}
	})
	return s
}

// Close stops the service before its test ends: its port refuses connections then. Answers that hang are given up.
func (s *Service) Close() {
	s.close.Do(func() {
		close(s.closing)
		s.server.CloseClientConnections()
		s.server.Close()
	})
}

// URL is where the service listens: "http://127.0.0.1:41287".
func (s *Service) URL() string { return s.server.URL }

// Requests are the requests so far in canonical text, in the order of their arrival: "GET /users?id=1&id=2", and
// `POST /users {"name":"Ada"}` with a body.
func (s *Service) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Arrived is closed when the service has received n requests.
func (s *Service) Arrived(n int) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := arrival{n: n, ready: make(chan struct{})}
	if len(s.requests) >= n {
		close(a.ready)
	} else {
		s.arrivals = append(s.arrivals, a)
	}
	return a.ready
}

// Problems are the differences between the script and the requests so far, one line each.
func (s *Service) Problems() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	problems := slices.Clone(s.problems)
	for _, x := range s.waiting {
		problems = append(problems, "expected, but never requested: "+x.text)
	}
	return problems
}

// serve finds the exchange of a request and answers as it says.
func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	got, err := readRequest(r)
	if err != nil { // the client broke off while it was sending
		panic(http.ErrAbortHandler)
	}
	answer, ok := s.take(got)
	if !ok {
		http.Error(w, "upstreamtest: not in the script: "+got.text, Unexpected)
		return
	}
	answer.write(w, r, s.closing)
}

// take notes a request and uses up the first exchange that fits it.
func (s *Service) take(got request) (Answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, got.text)
	s.arrivals = slices.DeleteFunc(s.arrivals, func(a arrival) bool {
		here := len(s.requests) >= a.n
		if here {
			close(a.ready)
		}
		return here
	})
	var near []string
	for i, x := range s.waiting {
		difference := x.difference(got)
		if difference == "" {
			s.waiting = slices.Delete(s.waiting, i, i+1)
			return x.Answer, true
		}
		if x.Request == got.line {
			near = append(near, difference)
		}
	}
	problem := "unexpected request: " + got.text
	if len(near) > 0 {
		problem += fmt.Sprintf(" (%s)", strings.Join(near, "; or "))
	}
	s.problems = append(s.problems, problem)
	return Answer{}, false
}

package transport_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/transport"
)

// A stream is opened at another instance when one is down, and each is asked once.
func TestStreamsGoElsewhere(t *testing.T) {
	for name, c := range map[string]struct {
		answers map[string]int // by host; 0 is no connection
		asked   int
		status  int
	}{
		"one is well":         {map[string]int{"a.test:80": 0, "b.test:80": 503, "c.test:80": 200}, 0, 200},
		"all are busy":        {map[string]int{"a.test:80": 503, "b.test:80": 502, "c.test:80": 504}, 3, 0},
		"none can be reached": {map[string]int{}, 3, -1},
		"a refusal is final":  {map[string]int{"a.test:80": 404, "b.test:80": 404, "c.test:80": 404}, 1, 404},
	} {
		t.Run(name, func(t *testing.T) {
			var hosts []string
			carrier := wire(func(r *http.Request) (*http.Response, error) {
				if slices.Contains(hosts, r.URL.Host) {
					t.Errorf("%s was asked twice", r.URL.Host)
				}
				hosts = append(hosts, r.URL.Host)
				if status := c.answers[r.URL.Host]; status != 0 {
					return answer(status, ""), nil
				}
				return nil, errors.New("no connection")
			})
			tr := newTransport(t, transport.Config{}, transport.Options{Balancer: newPool(t, three...)})
			status, _, err := get(t, tr.Streams(carrier), t.Context(), "http://users/x")
			switch {
			case c.status < 0:
				wantKind(t, err, fail.UpstreamUnavailable)
			case c.status > 0 && status != c.status:
				t.Errorf("status %d, want %d", status, c.status)
			}
			if c.asked > 0 && len(hosts) != c.asked {
				t.Errorf("asked %v", hosts)
			}
		})
	}
}

// Streams and calls have one breaker: what one kind learns spares the other.
func TestStreamsShareTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up, opened := false, 0
		answers := wire(func(r *http.Request) (*http.Response, error) {
			opened++
			if !up {
				return nil, errors.New("no connection")
			}
			return answer(200, ""), nil
		})
		tr := newTransport(t, transport.Config{Breaker: transport.BreakerConfig{Enabled: true, Failures: 3, OpenFor: time.Second}},
			transport.Options{Carrier: answers})
		streams := tr.Streams(answers)
		gone, leave := newCancel(t)
		leave()
		for range 5 { // who leaves says nothing of the service
			_, _, err := get(t, streams, gone, "http://users/x")
			wantKind(t, err, fail.UpstreamUnavailable)
		}
		late, end := context.WithCancelCause(t.Context())
		end(context.DeadlineExceeded) // as who waits for the beginning too long
		_, _, err := get(t, streams, late, "http://users/x")
		wantKind(t, err, fail.UpstreamUnavailable)
		for range 2 {
			_, _, err = get(t, streams, t.Context(), "http://users/x")
			wantKind(t, err, fail.UpstreamUnavailable)
		}
		before := opened
		for _, road := range []http.RoundTripper{streams, tr} {
			_, _, err = get(t, road, t.Context(), "http://users/x")
			wantKind(t, err, fail.UpstreamUnavailable)
		}
		if opened != before {
			t.Errorf("%d requests while the breaker is open", opened-before)
		}
		up = true
		time.Sleep(time.Second)
		if status, _, err := get(t, streams, t.Context(), "http://users/x"); status != 200 {
			t.Errorf("%d %v", status, err)
		}
		if status, _, err := get(t, tr, t.Context(), "http://users/x"); status != 200 {
			t.Errorf("%d %v", status, err)
		}
	})
}

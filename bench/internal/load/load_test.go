package load_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/bench/internal/load"
)

func serve(t *testing.T, h http.HandlerFunc) (address string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func TestReadsBothKindsOfBodies(t *testing.T) {
	long := strings.Repeat("0123456789", 5000)
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body := long
		if r.URL.Path == "/short" {
			body = "short"
		}
		if r.URL.Path == "/empty" {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		_, _ = w.Write([]byte(body)) // net/http sends a long one in chunks
	})
	c, err := load.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, want := range []struct {
		path   string
		status int
		body   string
	}{{"/long", 200, long}, {"/short", 200, "short"}, {"/empty", 202, ""}, {"/long", 200, long}} {
		status, body, err := c.Do(load.Post(address, want.path, []byte("{}")))
		if err != nil || status != want.status || string(body) != want.body {
			t.Errorf("%s: status %d, %d bytes, %v", want.path, status, len(body), err)
		}
	}
}

func TestMeasuresTheProcess(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"a": 1}`)) })
	r, err := load.Measure(load.Plan{
		Address: address, PID: os.Getpid(), Connections: 2, Duration: 50 * time.Millisecond,
		Exchanges: []load.Exchange{{Request: load.Post(address, "/", nil), Answer: []byte(`{"a":1}`)}},
	})
	if err != nil || r.Requests == 0 || r.Elapsed < 50*time.Millisecond || r.P50 <= 0 || r.P99 < r.P50 {
		t.Errorf("%+v %v", r, err)
	}
}

// A target that is fast because it answers something else must not be measured.
func TestRefusesWrongAnswers(t *testing.T) {
	var n atomic.Int64
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/later" && n.Add(1) > 3 || r.URL.Path == "/wrong" {
			_, _ = w.Write([]byte(`{"a":2}`))
			return
		}
		_, _ = w.Write([]byte(`{"a":1}`))
	})
	for path, want := range map[string]string{"/wrong": "wrong answer", "/later": "differs"} {
		_, err := load.Measure(load.Plan{
			Address: address, Connections: 2, Duration: time.Minute, // it ends with the first failure
			Exchanges: []load.Exchange{{Request: load.Post(address, path, nil), Answer: []byte(`{"a":1}`)}},
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// sample is one request of a client.
type sample struct {
	begun   time.Duration // since the load began
	latency time.Duration
	ok      bool
}

// load asks the gateway at a rate, whatever becomes of the answers: a gateway that is slow doesn't get asked less.
type load struct {
	address string // of the gateway
	client  *http.Client
	begun   time.Time
	stop    context.CancelFunc
	wait    sync.WaitGroup

	mu      sync.Mutex // guards samples
	samples []sample
}

// question makes the n-th document, and tells whether an answer to it is right.
type question func(n int) (document string, right func(data json.RawMessage) bool)

// startLoad begins to ask. end waits for what is under way.
func startLoad(ctx context.Context, address string, perSecond int, ask question) *load {
	ctx, stop := context.WithCancel(ctx)
	l := &load{address: address, begun: time.Now(), stop: stop, client: &http.Client{
		Timeout:   20 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 1000},
	}}
	l.wait.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(perSecond))
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				l.wait.Go(func() { l.one(context.WithoutCancel(ctx), n, ask) })
			}
		}
	})
	return l
}

// end stops asking, waits for the last answers and gives all samples in the order in which they were asked for.
func (l *load) end() []sample {
	l.stop()
	l.wait.Wait()
	l.client.CloseIdleConnections()
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.SortFunc(l.samples, func(a, b sample) int { return int(a.begun - b.begun) })
	return l.samples
}

// now is the time on the clock of the samples.
func (l *load) now() time.Duration { return time.Since(l.begun) }

func (l *load) one(ctx context.Context, n int, ask question) {
	document, right := ask(n)
	begun := l.now()
	answer, err := post(ctx, l.client, l.address, document)
	s := sample{begun: begun, latency: l.now() - begun, ok: err == nil && len(answer.Errors) == 0 && right(answer.Data)}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.samples = append(l.samples, s)
}

// answer is a GraphQL response.
type answer struct {
	Data   json.RawMessage   `json:"data"`
	Errors []json.RawMessage `json:"errors"`
}

func post(ctx context.Context, client *http.Client, address, document string) (answer, error) {
	var a answer
	body, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		return a, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/graphql", bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := client.Do(r)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, fmt.Errorf("%d: %w", res.StatusCode, err)
	}
	return a, nil
}

// user asks for a user, another one each time.
func user(n int) (string, func(json.RawMessage) bool) {
	id := n%100000 + 1
	want := fmt.Sprintf(`{"user":{"id":"%d","name":"name of %d"}}`, id, id)
	return fmt.Sprintf(`{ user(id: %d) { id name } }`, id), func(data json.RawMessage) bool { return string(data) == want }
}

// product asks for a product of another service.
func product(n int) (string, func(json.RawMessage) bool) {
	id := n%100000 + 1
	want := fmt.Sprintf(`{"product":{"id":"%d","name":"name of %d"}}`, id, id)
	return fmt.Sprintf(`{ product(id: %d) { id name } }`, id), func(data json.RawMessage) bool { return string(data) == want }
}

// between are the samples that began in a span of time.
func between(samples []sample, from, to time.Duration) []sample {
	var found []sample
	for _, s := range samples {
		if s.begun >= from && s.begun < to {
			found = append(found, s)
		}
	}
	return found
}

// failed is the share of samples that are no good answer, 0 to 1.
func failed(samples []sample) float64 {
	bad := 0
	for _, s := range samples {
		if !s.ok {
			bad++
		}
	}
	return float64(bad) / float64(max(len(samples), 1))
}

// percentile is the latency that a share of the samples stays within.
func percentile(samples []sample, share float64) time.Duration {
	if len(samples) == 0 {
		return 0
	}
	latencies := make([]time.Duration, len(samples))
	for i, s := range samples {
		latencies[i] = s.latency
	}
	slices.Sort(latencies)
	return latencies[min(int(share*float64(len(latencies))), len(latencies)-1)]
}

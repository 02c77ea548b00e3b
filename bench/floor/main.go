// Command floor is what the gateway is held against: programs of net/http that do as little as can be done.
//
//	LISTEN=127.0.0.1:8001 UPSTREAM=http://127.0.0.1:3000 floor
//
// POST /relay/Q1 makes the requests to the service that a gateway needs for the query Q1, one after the other where one
// needs the other's answer, reads the answers without looking at them, and writes the right answer to the query, which it
// has known from the start. POST /plain/Q1 is the same as one writes it without thinking of speed: it reads with io.ReadAll,
// which takes half as much again. POST /static/Q3 writes without asking anybody. /relay/Q4?id=7 is for post 7. What a
// gateway costs beyond this is the price of GraphQL.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/tributary-gateway/tributary/bench/internal/placeholder"
)

func main() {
	address, upstream := env("LISTEN", "127.0.0.1:8001"), env("UPSTREAM", "http://127.0.0.1:3000")
	server := &http.Server{Addr: address, Handler: newFloor(upstream), ReadHeaderTimeout: 5 * time.Second}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// floor answers the queries by their names.
type floor struct {
	upstream string
	client   *http.Client
	buffers  sync.Pool // of *[]byte, for the service's answers
	answers  map[string][]placeholder.Request
	users    string
}

func newFloor(upstream string) http.Handler {
	rows := placeholder.New(placeholder.Posts)
	f := &floor{
		upstream: upstream,
		// As many idle connections as a gateway keeps: the default of 2 would be a floor nobody wants.
		client:  &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256}},
		buffers: sync.Pool{New: func() any { b := make([]byte, 0, 64<<10); return &b }},
		answers: map[string][]placeholder.Request{},
		users:   rows.UsersTarget(),
	}
	for _, q := range placeholder.Queries {
		f.answers[q.Name] = rows.Requests(q)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /static/{query}", f.static)
	mux.HandleFunc("POST /relay/{query}", f.relay(f.fetch))
	mux.HandleFunc("POST /plain/{query}", f.relay(f.fetchAll))
	return mux
}

func (f *floor) static(w http.ResponseWriter, r *http.Request) {
	answers := f.answers[r.PathValue("query")]
	if len(answers) == 0 {
		http.NotFound(w, r)
		return
	}
	respond(w, answers[0].Answer)
}

func respond(w http.ResponseWriter, answer []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	_, _ = w.Write(answer) // a client that hung up is no news
}

// relay answers with the fetching given.
func (f *floor) relay(fetch func(ctx context.Context, target string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { f.serve(w, r, fetch) }
}

func (f *floor) serve(w http.ResponseWriter, r *http.Request, fetch func(ctx context.Context, target string) error) {
	name := r.PathValue("query")
	answers := f.answers[name]
	if len(answers) == 0 {
		http.NotFound(w, r)
		return
	}
	answer := answers[0]
	if len(answers) > 1 {
		id, err := strconv.Atoi(r.URL.Query().Get("id"))
		if err != nil || id < 1 || id > len(answers) {
			http.Error(w, "no such post", http.StatusBadRequest)
			return
		}
		answer = answers[id-1]
	}
	var targets [2]string
	switch name {
	case "Q1":
		targets = [2]string{"/posts", f.users}
	case "Q2":
		targets[0] = "/posts"
	case "Q4":
		targets = [2]string{"/posts/" + strconv.Itoa(answer.ID), "/users/" + strconv.Itoa(answer.Author)}
	}
	for _, target := range targets {
		if target == "" {
			continue
		}
		if err := fetch(r.Context(), target); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
	}
	respond(w, answer.Answer)
}

func (f *floor) get(ctx context.Context, target string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.upstream+target, nil)
	if err != nil {
		return nil, err
	}
	return f.client.Do(req)
}

// fetchAll reads an answer of the service and forgets it.
func (f *floor) fetchAll(ctx context.Context, target string) error {
	res, err := f.get(ctx, target)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", target, res.Status)
	}
	return err
}

// fetch reads an answer of the service into a pooled buffer and forgets it.
func (f *floor) fetch(ctx context.Context, target string) error {
	res, err := f.get(ctx, target)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || res.ContentLength < 0 {
		return fmt.Errorf("%s: %s", target, res.Status)
	}
	buffer := f.buffers.Get().(*[]byte)
	defer f.buffers.Put(buffer)
	if int64(cap(*buffer)) < res.ContentLength {
		*buffer = make([]byte, 0, res.ContentLength)
	}
	if _, err := io.ReadFull(res.Body, (*buffer)[:res.ContentLength]); err != nil {
		return err
	}
	// The end has to be seen for the connection to be used again.
	if n, err := res.Body.Read((*buffer)[:1]); n != 0 || !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: more than its length", target)
	}
	return nil
}

package subscription

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/operation"
)

// distinct answers a request for one operation with an event stream of its own.
func (h *Handler) distinct(w http.ResponseWriter, r *http.Request) {
	r, client, ok := h.known(w, r)
	if !ok {
		return
	}
	params, ok := h.params(w, r)
	if !ok {
		return
	}
	kinds := []ast.Operation{ast.Query, ast.Mutation, ast.Subscription}
	if r.Method == http.MethodGet { // a link must not change anything
		kinds = []ast.Operation{ast.Query, ast.Subscription}
	}
	s := h.newStream(r.Context(), client, "")
	s.opened = true
	if !s.begin(w) {
		return
	}
	defer s.end()
	if !h.limits.begin(client.Account) {
		refuse(w, http.StatusTooManyRequests, "")
		return
	}
	ctx, cancel := context.WithCancel(operation.Allow(s.ctx, kinds...))
	op := &streamed{stream: s, cancel: cancel}
	s.mu.Lock()
	s.ops[""] = op
	s.running++
	s.mu.Unlock()
	go func() { _ = op.run(ctx, r, params) }() // its errors are events: nobody asks whether it started
	s.serve(w, r)
}

// reserve gives a client the token of a stream that it may open.
func (h *Handler) reserve(w http.ResponseWriter, r *http.Request) {
	r, client, ok := h.known(w, r)
	if !ok {
		return
	}
	// The stream outlives this request.
	s := h.newStream(context.WithoutCancel(r.Context()), client, rand.Text())
	if !s.begin(w) {
		return
	}
	h.mu.Lock()
	h.reserved[s.token] = s
	h.mu.Unlock()
	s.mu.Lock()
	s.timers = append(s.timers, time.AfterFunc(h.config.ReserveTimeout, s.unclaimed))
	s.mu.Unlock()
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write([]byte(s.token))
}

// unclaimed ends a stream that nobody opened.
func (s *stream) unclaimed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.opened {
		s.stop(true)
	}
}

// release forgets a reserved stream. It is called once or twice.
func (h *Handler) release(s *stream) {
	h.mu.Lock()
	known := h.reserved[s.token] == s
	delete(h.reserved, s.token)
	h.mu.Unlock()
	if known {
		s.end()
	}
}

// reservedBy finds the stream of a request's token, and answers when there is none. Somebody else's is none.
func (h *Handler) reservedBy(w http.ResponseWriter, r *http.Request) (*http.Request, *stream) {
	r, client, ok := h.known(w, r)
	if !ok {
		return nil, nil
	}
	h.mu.Lock()
	s := h.reserved[tokenOf(r)]
	h.mu.Unlock()
	if s == nil || s.client.Account != client.Account {
		refuse(w, http.StatusNotFound, "There is no such stream.")
		return nil, nil
	}
	return r, s
}

// attach opens a reserved stream.
func (h *Handler) attach(w http.ResponseWriter, r *http.Request) {
	r, s := h.reservedBy(w, r)
	if s == nil {
		return
	}
	s.mu.Lock()
	taken, over := s.opened, s.over
	s.opened = true
	s.mu.Unlock()
	switch {
	case over:
		refuse(w, http.StatusNotFound, "There is no such stream.")
	case taken:
		refuse(w, http.StatusConflict, "The stream is open already.")
	default:
		defer h.release(s)
		s.serve(w, r)
	}
}

// enter begins an operation whose responses go into a reserved stream.
func (h *Handler) enter(w http.ResponseWriter, r *http.Request) {
	r, s := h.reservedBy(w, r)
	if s == nil {
		return
	}
	params, ok := h.params(w, r)
	if !ok {
		return
	}
	id, _ := params.Extensions["operationId"].(string)
	if id == "" || len(id) > mostID {
		refuse(w, http.StatusBadRequest, `The extension "operationId" must be a text that isn't empty.`)
		return
	}
	delete(params.Extensions, "operationId") // the rest is for whoever executes
	// The operation outlives this request, whose values it has.
	ctx, cancel := context.WithCancel(withValues{s.ctx, r.Context()})
	op := &streamed{stream: s, id: id, cancel: cancel, started: make(chan struct{})}
	if status, why := s.enter(op); status != 0 {
		cancel()
		refuse(w, status, why)
		return
	}
	ended := make(chan gqlerror.List, 1)
	go func() { ended <- op.run(ctx, r.WithContext(ctx), params) }()
	select {
	case <-op.started:
	case errs := <-ended: // errors are of what didn't start
		if len(errs) > 0 {
			refuseWith(w, http.StatusBadRequest, errs)
			return
		}
	}
	w.WriteHeader(http.StatusAccepted)
}

// enter notes an operation, or says why it can't be.
func (s *stream) enter(op *streamed) (status int, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ending || s.draining:
		return http.StatusNotFound, "There is no such stream."
	case s.ops[op.id] != nil:
		return http.StatusConflict, "The stream has an operation of this operationId."
	case s.running >= s.handler.config.MaxOperations:
		return http.StatusTooManyRequests, "The connection has too many operations under way."
	case !s.handler.limits.begin(s.client.Account):
		return http.StatusTooManyRequests, ""
	}
	s.ops[op.id] = op
	s.running++
	return 0, ""
}

// withdraw ends an operation of a reserved stream.
func (h *Handler) withdraw(w http.ResponseWriter, r *http.Request) {
	r, s := h.reservedBy(w, r)
	if s == nil {
		return
	}
	id := r.URL.Query().Get("operationId")
	if id == "" {
		refuse(w, http.StatusBadRequest, "The parameter operationId is missing.")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if op := s.ops[id]; op != nil {
		s.complete(op)
		s.stopIfDrained()
	}
	w.WriteHeader(http.StatusOK)
}

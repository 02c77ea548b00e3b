package subscription

import (
	"bytes"
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// stream is an event stream: that of one operation, or one that many operations write into. The goroutine of the request
// that opened it writes; each operation has one of its own.
type stream struct {
	handler *Handler
	client  Client
	token   string          // empty for a stream of one operation
	ctx     context.Context // of the operations
	cancel  context.CancelFunc
	wake    chan struct{} // has room for one; something happened

	mu       sync.Mutex // guards what follows
	opened   bool
	draining bool
	ending   bool // no more is taken, what is there is sent
	over     bool // nothing more is sent
	events   [][]byte
	bytes    int64
	ops      map[string]*streamed
	running  int
	timers   []*time.Timer
	room     sync.Cond // of mu: something was sent, or an operation is over
}

func (h *Handler) newStream(ctx context.Context, client Client, token string) *stream {
	s := &stream{handler: h, client: client, token: token, wake: make(chan struct{}, 1), ops: map[string]*streamed{}}
	s.room.L = &s.mu
	s.ctx, s.cancel = context.WithCancel(ctx)
	return s
}

// begin counts the stream. When it can't be, it answers.
func (s *stream) begin(w http.ResponseWriter) bool {
	h := s.handler
	if !h.limits.connect(s.client.Account) {
		s.cancel()
		refuse(w, http.StatusTooManyRequests, "The client has too many connections.")
		return false
	}
	if !h.add(s) {
		h.limits.disconnect(s.client.Account)
		s.cancel()
		refuse(w, http.StatusServiceUnavailable, "There are too many connections.")
		return false
	}
	h.options.Metrics.Connections("sse", 1)
	if !s.client.Expires.IsZero() {
		s.mu.Lock()
		s.timers = append(s.timers, time.AfterFunc(time.Until(s.client.Expires), s.expired))
		s.mu.Unlock()
	}
	return true
}

// end is the end of everything. It is called once after begin.
func (s *stream) end() {
	h := s.handler
	s.mu.Lock()
	s.over, s.ending = true, true
	s.room.Broadcast()
	stopTimers(s.timers...)
	s.mu.Unlock()
	s.cancel()
	h.limits.disconnect(s.client.Account)
	h.options.Metrics.Connections("sse", -1)
	h.remove(s)
}

// eventStream are the headers of the answer. The last keeps proxies from collecting events.
var eventStream = map[string]string{
	"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff",
}

// serve writes events until the stream ends or the client is gone.
func (s *stream) serve(w http.ResponseWriter, r *http.Request) {
	out := newFlow(w, s.handler.config.WriteTimeout)
	for name, value := range eventStream {
		w.Header().Set(name, value)
	}
	w.WriteHeader(http.StatusOK)
	if !out.write(comment) {
		return
	}
	beat := time.NewTicker(s.handler.config.PingInterval)
	defer beat.Stop()
	for {
		s.mu.Lock()
		events, done := s.events, s.ending || s.over
		if s.over {
			events = nil
		}
		s.events, s.bytes = nil, 0
		s.room.Broadcast()
		s.mu.Unlock()
		if len(events) > 0 && !out.write(bytes.Join(events, nil)) || done {
			return
		}
		select {
		case <-s.wake:
		case <-beat.C:
			if !out.write(comment) {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

var comment = []byte(":\n\n")

// send puts an event into the queue. The caller holds mu.
func (s *stream) send(name string, data []byte) {
	if s.ending {
		return
	}
	event := make([]byte, 0, len(name)+len(data)+20)
	event = append(append(append(event, "event: "...), name...), "\ndata:"...)
	if len(data) > 0 {
		event = append(event, ' ')
		from := len(event)
		event = append(event, data...)
		for i := from; i < len(event); i++ {
			if event[i] == '\n' || event[i] == '\r' {
				event[i] = ' ' // white space between tokens: inside strings it is escaped
			}
		}
	}
	event = append(event, "\n\n"...)
	c := s.handler.config
	if len(s.events) >= c.MaxQueue || len(s.events) > 0 && s.bytes+int64(len(event)) > c.MaxQueueBytes {
		s.stop(true)
		return
	}
	s.events = append(s.events, event)
	s.bytes += int64(len(event))
	s.notify()
}

// waitForRoom waits until a half of the queue is free, as a socket's does. The caller holds mu.
func (s *stream) waitForRoom(op *streamed) bool {
	c := s.handler.config
	for s.ops[op.id] == op && !s.ending {
		if len(s.events) <= c.MaxQueue/2 && s.bytes <= c.MaxQueueBytes/2 {
			return true
		}
		s.room.Wait()
	}
	return false
}

// stop ends the stream after what was sent, or at once. The caller holds mu.
func (s *stream) stop(now bool) {
	s.ending = true
	s.over = s.over || now
	s.cancel()
	s.room.Broadcast()
	s.notify()
	if !s.opened && s.token != "" { // nobody serves it
		go s.handler.release(s)
	}
}

func (s *stream) notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// expired ends the operations with an error and the stream with them.
func (s *stream) expired() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, op := range s.ops {
		s.next(op, responseJSON(&graphql.Response{Errors: errorOf(fail.Unauthenticated, "The credentials have expired.")}))
		s.complete(op)
	}
	s.stop(false)
}

// drain is connection's.
func (s *stream) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	for _, op := range s.ops {
		if op.endless {
			s.complete(op)
		}
	}
	s.stopIfDrained()
}

// stopIfDrained ends the stream when the last operation is over. The caller holds mu.
func (s *stream) stopIfDrained() {
	if s.draining && len(s.ops) == 0 {
		s.stop(false)
	}
}

// cut is connection's.
func (s *stream) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop(true)
}

// streamed is an operation that writes into a stream. It is the Sink of its run.
type streamed struct {
	stream *stream
	id     string // empty in a stream of one operation
	cancel context.CancelFunc

	started chan struct{} // closed when it passed all checks; nil when nobody asks

	// guarded by stream.mu
	endless, later bool
}

// next sends a response of an operation, complete its end. The caller holds mu.
func (s *stream) next(op *streamed, response []byte) {
	if s.token != "" {
		response = append(append(append([]byte(`{"id":`), appendJSON(nil, op.id)...), `,"payload":`...), append(response, '}')...)
	}
	s.send("next", response)
}

func (s *stream) complete(op *streamed) {
	delete(s.ops, op.id)
	op.cancel()
	s.room.Broadcast()
	var data []byte
	if s.token != "" {
		data = append(append([]byte(`{"id":`), appendJSON(nil, op.id)...), '}')
	}
	s.send("complete", data)
	if s.token == "" {
		s.stop(false)
	}
}

// run runs an operation. It returns the errors of one that didn't start and has somebody to ask for that.
func (op *streamed) run(ctx context.Context, r *http.Request, params *graphql.RawParams) gqlerror.List {
	s := op.stream
	h := s.handler
	h.options.Metrics.Operations("sse", 1)
	defer h.options.Metrics.Operations("sse", -1)
	defer op.cancel()
	errs := h.run(ctx, r, params, op)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.stopIfDrained()
	s.running--
	h.limits.end(s.client.Account)
	if op.started != nil {
		select {
		case <-op.started:
		default:
			if s.ops[op.id] == op {
				delete(s.ops, op.id)
			}
			return errs
		}
	}
	if s.ops[op.id] != op {
		return nil
	}
	if len(errs) > 0 {
		s.next(op, responseJSON(&graphql.Response{Errors: errs}))
	}
	s.complete(op)
	return nil
}

// Start is Sink's.
func (op *streamed) Start(kind ast.Operation) {
	s := op.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if op.started != nil {
		close(op.started)
	}
	op.endless = kind == ast.Subscription
	if op.endless && s.draining && s.ops[op.id] == op {
		s.complete(op)
		s.stopIfDrained()
	}
}

// Deliver is Sink's.
func (op *streamed) Deliver(response *graphql.Response) bool {
	s := op.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ops[op.id] != op || s.ending {
		return false
	}
	if response.HasNext != nil && !s.waitForRoom(op) {
		return false
	}
	s.next(op, encodePart(response, op.later))
	op.later = true
	return !s.ending
}

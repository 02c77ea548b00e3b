package subscription

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// stage is how far a WebSocket is.
type stage int

const (
	opened stage = iota
	ready
	closing
)

// socket is a WebSocket. One goroutine reads it; another one writes while there is something to write; each operation has
// one. Timers do the rest.
type socket struct {
	handler *Handler
	wire    *wire // nil for a subprotocol that isn't known
	request *http.Request
	cancel  context.CancelFunc

	mu       sync.Mutex      // guards what follows
	ws       *websocket.Conn // these two are set once, before anything else happens
	conn     net.Conn
	ctx      context.Context
	stage    stage
	client   Client
	counted  bool // among the client's connections
	draining bool
	ops      map[string]*subscriber
	running  int // operations whose goroutine has not ended
	outbox   outbox
	room     sync.Cond   // of mu: something was written, or an operation is over
	timer    *time.Timer // first for the init message, then for pings
	expiry   *time.Timer // nil without an end of the credentials
}

// start lets the connection live. The caller is the handler of a request, and returns.
func (s *socket) start(ws *websocket.Conn, conn net.Conn) {
	if s.wire != nil {
		s.handler.options.Metrics.Connections(s.wire.name, 1)
	}
	s.mu.Lock()
	s.ws, s.conn = ws, conn
	switch {
	case s.stage == closing: // cut off before it began
		_ = conn.Close()
	case s.wire == nil:
		s.close(closeSubprotocol, "Subprotocol not acceptable")
	default:
		s.timer = time.AfterFunc(s.handler.config.InitTimeout, s.initTimeout)
		s.closeIfDrained()
	}
	s.mu.Unlock()
	go s.read()
}

// read takes messages until the connection ends.
func (s *socket) read() {
	defer s.gone()
	defer func() {
		if thrown := recover(); thrown != nil { // what is read here is a client's; it must not end the process
			s.handler.logger.LogAttrs(s.ctx, slog.LevelError, "panic in a WebSocket",
				slog.Any("cause", thrown), slog.String("stack", string(debug.Stack())))
		}
	}()
	for {
		kind, data, err := s.ws.Read(context.Background())
		if err != nil {
			return
		}
		s.receive(kind, data)
	}
}

// gone is the end of everything.
func (s *socket) gone() {
	s.mu.Lock()
	s.stage = closing
	s.room.Broadcast()
	stopTimers(s.timer, s.expiry)
	client, counted := s.client, s.counted
	s.mu.Unlock()
	s.cancel()
	_ = s.conn.Close()
	_ = s.ws.CloseNow()
	if counted {
		s.handler.limits.disconnect(client.Account)
	}
	if s.wire != nil {
		s.handler.options.Metrics.Connections(s.wire.name, -1)
	}
	s.handler.remove(s)
}

func stopTimers(all ...*time.Timer) {
	for _, t := range all {
		if t != nil {
			t.Stop()
		}
	}
}

// receive does what a message asks for.
func (s *socket) receive(kind websocket.MessageType, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stage == closing:
		return
	case kind != websocket.MessageText:
		s.close(closeUnsupported, "Messages are text")
		return
	case !utf8.Valid(data):
		s.close(closeNotUTF8, "Messages are UTF-8")
		return
	}
	m, err := s.wire.read(data)
	if err != nil {
		s.bad("Invalid message: " + err.Error())
		return
	}
	switch m.verb {
	case initialise:
		if s.stage != opened {
			s.close(closeTwoInits, "Too many initialisation requests")
			return
		}
		s.identify(m.init)
	case begin:
		if s.stage != ready {
			s.unauthorized()
			return
		}
		s.begin(m)
	case finish:
		s.finish(m.id)
	case ping:
		s.send(envelope("pong", "", m.payload))
	case pong:
	case terminate:
		s.close(closeNormal, "Terminated")
	}
}

// bad closes for a message that isn't one. The older protocol says so, and ignores it.
func (s *socket) bad(why string) {
	if s.wire.legacy {
		s.send(envelope("connection_error", "", appendJSON(nil, errorOf(fail.BadRequest, why)[0])))
		return
	}
	s.close(closeBadMessage, why)
}

func (s *socket) unauthorized() {
	if s.wire.legacy {
		s.send(envelope("connection_error", "", appendJSON(nil, errorOf(fail.Unauthenticated, "connection_init comes first.")[0])))
	}
	s.close(closeUnauthorized, "Unauthorized")
}

// identify finds out who is there, within the time that an init message has. The caller holds mu, which is free meanwhile;
// no other message is read before this one is done.
func (s *socket) identify(payload map[string]any) {
	h := s.handler
	s.mu.Unlock()
	timed, cancel := context.WithTimeout(s.ctx, h.config.InitTimeout)
	known, client, err := h.identify(withValues{timed, s.ctx}, s.request, payload)
	cancel()
	counted := err == nil && h.limits.connect(client.Account)
	s.mu.Lock()
	s.client, s.counted = client, counted
	switch {
	case s.stage == closing:
	case err != nil:
		h.logger.LogAttrs(s.ctx, slog.LevelDebug, "a WebSocket's client isn't let in", slog.Any("cause", err))
		status, public := unidentified(err)
		if s.wire.legacy {
			s.send(envelope("connection_error", "", appendJSON(nil, errorOf(fail.KindOf(err), public)[0])))
		}
		if status == http.StatusServiceUnavailable {
			s.close(closeTryAgain, public)
		} else {
			s.close(closeForbidden, "Forbidden: "+public)
		}
	case !counted:
		s.close(closeTryAgain, "The client has too many connections")
	default:
		s.stage = ready
		s.timer.Stop()
		// The deadline was for identifying only; the values are for everything. Contexts below this one find that of the
		// socket by its values, and need no goroutine to end with it.
		s.ctx = withValues{s.ctx, known}
		s.send(envelope("connection_ack", "", nil))
		if s.wire.legacy {
			s.send(keepAlive)
		}
		s.timer = time.AfterFunc(h.config.PingInterval, s.ping)
		if !client.Expires.IsZero() {
			s.expiry = time.AfterFunc(time.Until(client.Expires), s.expired)
		}
	}
}

var keepAlive = []byte(`{"type":"ka"}`)

// withValues is one context with the values of another.
type withValues struct {
	context.Context

	values context.Context
}

func (c withValues) Value(key any) any { return c.values.Value(key) }

func (s *socket) initTimeout() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stage == opened {
		s.close(closeInitTimeout, "Connection initialisation timeout")
	}
}

func (s *socket) expired() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.close(closeForbidden, "Forbidden: the credentials have expired")
}

// ping asks whether somebody is still there. It runs in the timer's goroutine, which waits for the answer.
func (s *socket) ping() {
	c := s.handler.config
	if s.wire.legacy {
		s.mu.Lock()
		s.send(keepAlive)
		s.mu.Unlock()
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.PingTimeout)
	defer cancel()
	err := s.ws.Ping(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stage == closing {
		return
	}
	if err != nil {
		s.cutLocked() // nobody is there to read a close
		return
	}
	s.timer.Reset(c.PingInterval)
}

// close ends the connection once everything in the outbox is sent. The caller holds mu.
func (s *socket) close(code int, reason string) {
	if s.stage == closing {
		return
	}
	s.stage = closing
	s.room.Broadcast()
	stopTimers(s.timer, s.expiry)
	s.cancel()
	s.outbox.closing, s.outbox.code, s.outbox.reason = true, code, cut(reason)
	if s.wire != nil {
		s.handler.options.Metrics.Closed(s.wire.name, code)
	}
	s.write()
}

// cut shortens the reason of a close, which a control frame has 123 bytes for.
func cut(reason string) string {
	for len(reason) > 123 {
		_, size := utf8.DecodeLastRuneInString(reason)
		reason = reason[:len(reason)-size]
	}
	return reason
}

// drain is connection's.
func (s *socket) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	for _, op := range s.ops {
		if op.endless {
			s.complete(op)
		}
	}
	s.closeIfDrained()
}

// closeIfDrained closes when the last operation is over. The caller holds mu.
func (s *socket) closeIfDrained() {
	if s.draining && len(s.ops) == 0 && s.ws != nil {
		s.close(closeGoingAway, "Going away")
	}
}

// cut is connection's.
func (s *socket) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cutLocked()
}

func (s *socket) cutLocked() {
	s.stage = closing
	s.room.Broadcast()
	stopTimers(s.timer, s.expiry)
	s.cancel()
	if s.conn != nil { // else start sees the stage
		_ = s.conn.Close()
	}
}

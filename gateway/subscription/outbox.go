package subscription

import (
	"context"

	"github.com/coder/websocket"
)

// outbox is what waits to be written to a WebSocket.
type outbox struct {
	messages [][]byte
	bytes    int64
	writing  bool // a goroutine is at it
	// closing tells that a close with code and reason follows the last message.
	closing bool
	code    int
	reason  string
}

// send puts a message into the outbox. A client that is too far behind is cut off: what waits for him is dropped, but for
// the close that says so. The caller holds mu.
func (s *socket) send(message []byte) {
	if s.stage == closing {
		return
	}
	b, c := &s.outbox, s.handler.config
	if len(b.messages) >= c.MaxQueue || len(b.messages) > 0 && b.bytes+int64(len(message)) > c.MaxQueueBytes {
		clear(b.messages)
		b.messages, b.bytes = b.messages[:0], 0
		s.close(closeTryAgain, "Messages are read too slowly")
		return
	}
	b.messages = append(b.messages, message)
	b.bytes += int64(len(message))
	s.write()
}

// waitForRoom waits until a half of the queue is free. Deferred parts come as fast as they are computed, however many there
// are, and who asked for them isn't slow when they fill the queue. It is false when the operation is over. The caller holds
// mu.
func (s *socket) waitForRoom(op *subscriber) bool {
	c := s.handler.config
	for s.ops[op.id] == op && s.stage != closing {
		if len(s.outbox.messages) <= c.MaxQueue/2 && s.outbox.bytes <= c.MaxQueueBytes/2 {
			return true
		}
		s.room.Wait()
	}
	return false
}

// write starts the goroutine that empties the outbox, unless it's at it. The caller holds mu.
func (s *socket) write() {
	if !s.outbox.writing {
		s.outbox.writing = true
		go s.empty()
	}
}

// empty writes until there is nothing left. A message that can't be written in time is the connection's end.
func (s *socket) empty() {
	for {
		s.mu.Lock()
		b := &s.outbox
		if len(b.messages) == 0 {
			b.messages = nil // an idle connection keeps no memory
			closing, code, reason := b.closing, b.code, b.reason
			b.writing = closing // nothing is written after a close
			s.mu.Unlock()
			if closing {
				_ = s.ws.Close(websocket.StatusCode(code), reason)
				_ = s.conn.Close()
			}
			return
		}
		message := b.messages[0]
		b.messages[0] = nil
		b.messages = b.messages[1:]
		b.bytes -= int64(len(message))
		s.room.Broadcast()
		s.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), s.handler.config.WriteTimeout)
		err := s.ws.Write(ctx, websocket.MessageText, message)
		cancel()
		if err != nil {
			s.cut()
			return
		}
	}
}

package http1

import (
	"container/list"
	"context"
	"errors"
	"net"
	"slices"
	"time"
)

// host is the pool of one host and port. Its fields are guarded by the client's mutex.
//
// Either there is an idle connection or a free slot, or requests wait: never both. So whoever comes later can't overtake.
type host struct {
	address string
	open    int       // slots taken: connections idle, in use or being made
	idle    []*conn   // in the order in which they became idle; the last is used first
	waiting list.List // of chan *conn
}

// take gives a connection: an idle one that is still open, or a new one. When there are too many, it waits for its turn.
func (c *Client) take(ctx context.Context, address string) (*conn, error) {
	for {
		c.mu.Lock()
		if c.closed {
			c.mu.Unlock()
			return nil, ErrClosed
		}
		h := c.hosts[address]
		if h == nil {
			h = &host{address: address}
			c.hosts[address] = h
		}
		if last := len(h.idle) - 1; last >= 0 {
			cn := h.idle[last]
			h.idle[last] = nil
			h.idle = h.idle[:last]
			c.mu.Unlock()
			if time.Since(cn.since) < c.config.IdleTimeout && cn.quiet() {
				cn.reused = true
				return cn, nil
			}
			c.discard(cn)
			continue
		}
		if h.open < c.config.MaxConns {
			h.open++
			c.mu.Unlock()
			return c.dial(ctx, h)
		}
		turn := make(chan *conn, 1)
		place := h.waiting.PushBack(turn)
		c.mu.Unlock()
		return c.wait(ctx, h, turn, place)
	}
}

// wait waits for a connection that another request is done with, or for the slot of one that was closed.
func (c *Client) wait(ctx context.Context, h *host, turn chan *conn, place *list.Element) (*conn, error) {
	select {
	case cn := <-turn:
		if cn != nil && cn.quiet() {
			cn.reused = true
			return cn, nil
		}
		if cn != nil {
			_ = cn.socket.Close()
		}
		return c.dial(ctx, h)
	case <-ctx.Done():
	}
	c.mu.Lock()
	select {
	case cn := <-turn: // at the same moment: the next one's turn
		c.mu.Unlock()
		if cn == nil {
			c.drop(h)
		} else {
			c.put(cn)
		}
	default:
		h.waiting.Remove(place)
		c.mu.Unlock()
	}
	return nil, ended(ctx, nil)
}

// dial makes a connection for a slot, which is given back when that fails.
func (c *Client) dial(ctx context.Context, h *host) (*conn, error) {
	socket, err := c.dialer.DialContext(ctx, "tcp", h.address)
	if err != nil {
		c.drop(h)
		var network net.Error
		if end, ok := ctx.Deadline(); ok && errors.As(err, &network) && network.Timeout() && !time.Now().Before(end) {
			err = context.DeadlineExceeded // the dialer may notice before the context does
		}
		return nil, ended(ctx, err)
	}
	return newConn(socket, h), nil
}

// put gives a connection back that can be used again.
func (c *Client) put(cn *conn) {
	h := cn.host
	cn.since = time.Now()
	c.mu.Lock()
	switch {
	case c.closed:
	case h.waiting.Len() > 0:
		h.next() <- cn
		c.mu.Unlock()
		return
	case len(h.idle) < c.config.MaxIdle:
		h.idle = append(h.idle, cn)
		if !c.armed {
			c.arm(c.config.IdleTimeout)
		}
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	c.discard(cn)
}

// next takes the one that has waited longest off the list. Sending to it does not block.
func (h *host) next() chan<- *conn {
	return h.waiting.Remove(h.waiting.Front()).(chan *conn)
}

// discard closes a connection and gives its slot back.
func (c *Client) discard(cn *conn) {
	_ = cn.socket.Close()
	c.drop(cn.host)
}

// drop gives a slot back.
func (c *Client) drop(h *host) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.waiting.Len() > 0 {
		h.next() <- nil
		return
	}
	h.open--
	c.forget(h)
}

// forget removes a host without connections: instances come and go. The mutex is held.
func (c *Client) forget(h *host) {
	if h.open == 0 {
		delete(c.hosts, h.address)
	}
}

// arm has sweep called. The mutex is held.
func (c *Client) arm(after time.Duration) {
	c.armed = true
	if c.timer == nil {
		c.timer = time.AfterFunc(after, c.sweep)
	} else {
		c.timer.Reset(after)
	}
}

// sweep closes what was idle for too long.
func (c *Client) sweep() {
	now := time.Now()
	c.close(func(cn *conn) bool { return now.Sub(cn.since) >= c.config.IdleTimeout }, now)
}

// CloseIdleConnections closes the connections that no exchange uses.
func (c *Client) CloseIdleConnections() {
	c.close(func(*conn) bool { return true }, time.Now())
}

// close closes the idle connections that are expired, and sets the timer for the next that will be.
func (c *Client) close(expired func(*conn) bool, now time.Time) {
	var closing []*conn
	c.mu.Lock()
	c.armed = false
	if c.timer != nil {
		c.timer.Stop()
	}
	var oldest time.Time
	for _, h := range c.hosts {
		n := slices.IndexFunc(h.idle, func(cn *conn) bool { return !expired(cn) })
		if n < 0 {
			n = len(h.idle)
		}
		closing = append(closing, h.idle[:n]...)
		h.idle = slices.Delete(h.idle, 0, n)
		h.open -= n
		c.forget(h)
		if len(h.idle) > 0 && (oldest.IsZero() || h.idle[0].since.Before(oldest)) {
			oldest = h.idle[0].since
		}
	}
	if !oldest.IsZero() {
		c.arm(max(oldest.Add(c.config.IdleTimeout).Sub(now), time.Millisecond))
	}
	c.mu.Unlock()
	for _, cn := range closing {
		_ = cn.socket.Close()
	}
}

// Close closes the idle connections, and those in use when their exchange ends. Further requests get ErrClosed; those
// that already wait still get their turn.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.CloseIdleConnections()
	return nil
}

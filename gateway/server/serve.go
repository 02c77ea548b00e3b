package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Serve answers the listener's connections until ctx ends, then drains and closes the listener. It returns nil after a
// complete drain, and an error when the listener failed or when requests had to be cut off.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	// Requests live longer than ctx: what is under way when it ends is completed. They end when Serve does.
	requests, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: s.config.ReadHeaderTimeout,
		ReadTimeout:       s.config.ReadTimeout,
		WriteTimeout:      s.config.WriteTimeout,
		IdleTimeout:       s.config.IdleTimeout,
		MaxHeaderBytes:    int(s.config.MaxHeaderBytes),
		BaseContext:       func(net.Listener) context.Context { return requests },
		ConnContext:       withGathering,
		// What net/http has to say is about single connections: bad TLS, clients that hang up.
		ErrorLog: slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
	}
	serve, err := s.listen(server, listener)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	failed := make(chan error, 1)
	go func() { failed <- serve() }()
	select {
	case err := <-failed:
		return fmt.Errorf("server: %w", err)
	case <-ctx.Done():
	}
	return s.drain(server)
}

// listen prepares a server and what it accepts connections from. An encrypted connection may have many requests at once,
// and is written to by crypto/tls, so that there is nothing to gather.
func (s *Server) listen(server *http.Server, listener net.Listener) (serve func() error, err error) {
	e := s.options.Edge
	e.Apply(server)
	if e.TLS == nil {
		listener = gathering{listener}
	}
	limited, err := e.Listen(listener)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	if e.TLS != nil {
		return func() error { return server.ServeTLS(limited, "", "") }, nil
	}
	return func() error { return server.Serve(limited) }, nil
}

// drain stops in the order that loses nothing: first every answer closes its connection and readiness is off, while
// new requests are still served; Shutdown, which closes idle connections and with them what is on its way to them,
// comes when clients have had the time to notice.
func (s *Server) drain(server *http.Server) error {
	s.draining.Store(true)
	s.logger.Info("draining", "grace", s.config.DrainGrace)
	if s.config.DrainGrace > 0 {
		<-time.After(s.config.DrainGrace)
	}
	timeout, stop := context.WithTimeout(context.Background(), s.config.DrainTimeout)
	defer stop()
	streams := make(chan error, 1)
	go func() { streams <- s.drainStreams(timeout) }() // Shutdown waits for event streams, and knows no WebSockets
	err := server.Shutdown(timeout)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("server: requests were still under way after %v and were cut off", s.config.DrainTimeout)
		err = errors.Join(err, server.Close())
	}
	return errors.Join(err, <-streams)
}

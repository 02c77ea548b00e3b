package upstreamtest

import (
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
)

var discard = log.New(io.Discard, "", 0)

// write answers a request. closing ends what hangs.
func (a *Answer) write(w http.ResponseWriter, r *http.Request, closing <-chan struct{}) {
	switch a.Fault {
	case Hang:
		wait(r, closing)
	case Reset:
		reset(w)
	}
	body, err := a.body()
	if err != nil { // it was checked at the start
		panic(err)
	}
	if len(body) > 0 {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	for name, value := range a.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status())
	if a.Fault == NoFault {
		_, _ = w.Write(body) // a client that has left is what some tests are about
		return
	}
	_, _ = w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush()
	if a.Fault == Stall {
		wait(r, closing)
	}
	panic(http.ErrAbortHandler)
}

// wait holds the connection until the client has left or the service ends, and breaks it off then.
func wait(r *http.Request, closing <-chan struct{}) {
	select {
	case <-r.Context().Done():
	case <-closing:
	}
	panic(http.ErrAbortHandler)
}

// reset ends a connection with RST, as a process that was killed does.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // without it the client would see a polite end
		}
		_ = conn.Close()
	}
	panic(http.ErrAbortHandler)
}

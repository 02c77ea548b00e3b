package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// fault is something an instance does instead of answering as it should. It gets the answer that would be right.
type fault struct {
	name string
	does func(w http.ResponseWriter, r *http.Request, right string)
}

// faults are what an instance can be told to do. Those of the process, such as stopping it, are the fleet's.
var faults = []fault{
	{"none", func(w http.ResponseWriter, _ *http.Request, right string) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, right)
	}},
	{"500", status(500, "")},
	{"502", status(502, "")},
	{"503", status(503, "")},
	{"503 with Retry-After", status(503, "1")},
	{"504", status(504, "")},
	{"429", status(429, "1")},
	{"reset before the answer", raw(true, "")},
	{"close before the answer", raw(false, "")},
	{"reset in the header", raw(true, "HTTP/1.1 200 OK\r\nContent-Ty")},
	{"reset in the body", raw(true, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"id\": \"1")},
	{"body cut", raw(false, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"id\": \"1")},
	{"no HTTP", raw(false, "SSH-2.0-OpenSSH_9.2\r\n\r\n")},
	{"a flood of 1xx", raw(false, strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 1000))},
	{"no JSON", func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{]")
	}},
	{"HTML", func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<p>Welcome")
	}},
	{"redirects without end", func(w http.ResponseWriter, r *http.Request, _ string) {
		http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
	}},
	{"hang", func(_ http.ResponseWriter, r *http.Request, _ string) { <-r.Context().Done() }},
	{"slow", func(w http.ResponseWriter, r *http.Request, right string) {
		if wait(r, 800*time.Millisecond) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, right)
		}
	}},
	{"drip", func(w http.ResponseWriter, r *http.Request, right string) {
		w.Header().Set("Content-Type", "application/json")
		for i := range len(right) {
			if _, err := io.WriteString(w, right[i:i+1]); err != nil || !wait(r, 500*time.Millisecond) {
				return
			}
			_ = http.NewResponseController(w).Flush()
		}
	}},
	{"100 MB", func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(100<<20))
		part := []byte(strings.Repeat(" ", 64<<10))
		for range 100 << 20 / len(part) {
			if _, err := w.Write(part); err != nil {
				return
			}
		}
	}},
}

// wait is false when the client hung up meanwhile.
func wait(r *http.Request, d time.Duration) bool {
	select {
	case <-r.Context().Done():
		return false
	case <-time.After(d):
		return true
	}
}

func status(code int, retryAfter string) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, _ *http.Request, _ string) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = fmt.Fprintf(w, `{"error": "fault %d"}`, code)
	}
}

// raw writes bytes to the connection and ends it, with a reset if wanted.
func raw(reset bool, text string) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, _ *http.Request, _ string) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close() //nolint:errcheck // it is broken on purpose
		send(conn, buffered, text)
		if tcp, ok := conn.(*net.TCPConn); ok && reset {
			_ = tcp.SetLinger(0)
		}
	}
}

func send(conn net.Conn, buffered *bufio.ReadWriter, text string) {
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = buffered.WriteString(text)
	_ = buffered.Flush()
}

package server

import (
	"net/http"
	"sync/atomic"
)

// recorder remembers what was answered, for the log and for whoever must know whether an answer has begun.
type recorder struct {
	http.ResponseWriter
	status int   // 0 until the answer begins
	bytes  int64 // of the body
	// closing says whether the connection ends with this answer.
	closing *atomic.Bool
}

// WriteHeader begins the answer. While the server drains, answers close their connections.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) { // other 1xx come before the answer
		r.status = status
		if r.closing.Load() && status != http.StatusSwitchingProtocols {
			r.Header().Set("Connection", "close")
		}
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write is http.ResponseWriter's.
func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

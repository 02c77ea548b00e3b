package subscription

import (
	"net/http"
	"time"
)

// flow is an answer that is written as it comes. Each write has a time of its own, in place of the server's for answers as
// a whole, and what is written is sent at once.
type flow struct {
	w          http.ResponseWriter
	controller *http.ResponseController
	timeout    time.Duration
}

func newFlow(w http.ResponseWriter, timeout time.Duration) *flow {
	f := &flow{w, http.NewResponseController(w), timeout}
	// The server's time for reading a request goes on after it was read, and would end the answer. Writers that have no
	// deadlines are those of tests.
	_ = f.controller.SetReadDeadline(time.Time{})
	return f
}

// write is false when nobody reads.
func (f *flow) write(data []byte) bool {
	_ = f.controller.SetWriteDeadline(time.Now().Add(f.timeout))
	if _, err := f.w.Write(data); err != nil {
		return false
	}
	return f.controller.Flush() == nil
}

package http1

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// inline is the biggest body that is written together with the head, in one piece. Both ends' socket buffers hold that much,
// so that a service that answers without reading doesn't block us.
const inline = 32 << 10

// frame says how long the body is, ends the head, and appends the body if it is small and at hand.
func (o *outgoing) frame(method string, req *http.Request) error {
	chunked, err := wantsChunks(req.TransferEncoding)
	if err != nil {
		return err
	}
	if o.body == http.NoBody {
		o.body = nil
	}
	o.length = req.ContentLength
	switch {
	case o.body == nil && o.length > 0:
		return fmt.Errorf("http1: ContentLength is %d without a body", o.length)
	case o.body == nil:
		o.length = 0
	case o.length == 0 || chunked:
		o.length = -1
	}
	if o.length < 0 && !chunked && seldomHasBody(method) {
		if err := o.peek(); err != nil {
			return err
		}
	}
	switch {
	case o.length < 0:
		o.buffer = append(o.buffer, "Transfer-Encoding: chunked\r\n\r\n"...)
		return nil
	case o.length > 0 || method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch:
		o.buffer = strconv.AppendInt(append(o.buffer, "Content-Length: "...), o.length, 10)
		o.buffer = append(o.buffer, "\r\n"...)
	}
	o.buffer = append(o.buffer, "\r\n"...)
	if o.length == 0 {
		switch method {
		case http.MethodGet, http.MethodHead, http.MethodOptions:
			o.repeatable = true
		}
		return nil
	}
	if o.length <= inline && req.GetBody != nil { // whatever can be read again won't keep us waiting
		return o.take()
	}
	return nil
}

func wantsChunks(encoding []string) (bool, error) {
	switch {
	case len(encoding) == 0:
		return false, nil
	case len(encoding) == 1 && encoding[0] == "chunked":
		return true, nil
	default:
		return false, errors.New("http1: unknown transfer encoding")
	}
}

// seldomHasBody tells for which methods a body of unknown length is looked into first: an empty one isn't announced, since
// that would confuse services.
func seldomHasBody(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodDelete, http.MethodOptions, "PROPFIND", "SEARCH":
		return true
	}
	return false
}

// peek reads one byte. It waits for it.
func (o *outgoing) peek() error {
	var first [1]byte
	n, err := io.ReadFull(o.body, first[:])
	switch {
	case err == io.EOF: //nolint:errorlint // ReadFull gives it bare
		err = o.body.Close()
		o.body, o.length = nil, 0
		return err
	case err != nil:
		return fmt.Errorf("http1: reading the request's body: %w", err)
	}
	o.body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(strings.NewReader(string(first[:n])), o.body), o.body}
	return nil
}

// take appends the body to the buffer.
func (o *outgoing) take() error {
	from := len(o.buffer)
	o.buffer = append(o.buffer, make([]byte, o.length)...)
	_, err := io.ReadFull(o.body, o.buffer[from:])
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return lengthError(o.length, "fewer")
	case err != nil:
		return fmt.Errorf("http1: reading the request's body: %w", err)
	}
	var more [1]byte
	if n, _ := o.body.Read(more[:]); n > 0 {
		return lengthError(o.length, "more")
	}
	_ = o.body.Close()
	o.body = nil
	return nil
}

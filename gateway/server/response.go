package server

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// answer writes a response: data as it is, without a data entry beside errors of the request as a whole.
//
// What is kept is told to the client, who may have it already; its data isn't ours to use again.
func (s *Server) answer(ctx context.Context, w http.ResponseWriter, r *http.Request, as media, response *graphql.Response, kept Kept) {
	if kept != nil {
		kept.SetHeaders(w.Header(), len(response.Errors) == 0 && len(response.Extensions) == 0)
		if byLink(r) && len(response.Errors) == 0 && kept.NotModified(r.Header.Get("If-None-Match")) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	open, rest := openObject, ""
	data := []byte(response.Data)
	if data == nil && len(response.Errors) == 0 {
		data = []byte("null")
	}
	if data != nil {
		open, rest = openData, ","
	}
	var tail []byte
	if len(response.Errors) > 0 {
		tail = append(tail, rest+`"errors":`...)
		tail = append(tail, encode(response.Errors)...)
		rest = ","
	}
	if len(response.Extensions) > 0 {
		if extensions := encode(response.Extensions); extensions != nil {
			tail = append(tail, rest+`"extensions":`...)
			tail = append(tail, extensions...)
		} else {
			s.logger.ErrorContext(ctx, "an extension of the response is no JSON", "request_id", RequestID(ctx))
		}
	}
	s.send(ctx, w, s.statusOf(as, response), as, open, data, tail)
	if s.options.Recycle != nil && kept == nil {
		s.options.Recycle(response.Data)
	}
}

// The ends of answers.
var (
	openObject  = []byte("{")
	openData    = []byte(`{"data":`)
	closeObject = []byte("}")
)

// send writes an answer in one go, where it can.
func (s *Server) send(ctx context.Context, w http.ResponseWriter, status int, as media, open, data, tail []byte) {
	c := gatheringOf(ctx)
	c.begin()
	defer c.flush(w)
	write(w, status, as, open, data, tail, closeObject)
}

// statusOf is the status of a response to a well-formed request. In the old media type it is 200, unless the operation
// wasn't admitted; in the new one a response without data is an error of the request, unless the gateway itself failed.
func (s *Server) statusOf(as media, response *graphql.Response) int {
	if response.Data != nil || len(response.Errors) == 0 || s.config.ErrorStatus == Always200 {
		return http.StatusOK
	}
	code, _ := response.Errors[0].Extensions["code"].(string)
	if status, ok := refusedBy[code]; ok {
		return status
	}
	if as == jsonMedia {
		return http.StatusOK
	}
	switch code {
	case fail.Internal.Code():
		return http.StatusInternalServerError
	case fail.UpstreamTimeout.Code():
		return http.StatusGatewayTimeout
	default:
		return http.StatusBadRequest
	}
}

// encode is json.Marshal without escaping for HTML; nil for what can't be encoded.
func encode(value any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(value) != nil {
		return nil
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// buffers join the parts of answers, *bytes.Buffer.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

const (
	// httpBuffer is what net/http collects of a handler's writes before it sends.
	httpBuffer = 2 << 10
	// mostKept is the size of the largest buffer that is kept for the next answers.
	mostKept = 256 << 10
)

// Values of headers that many answers have. They have no room for another value, so that who adds one gets a copy.
var (
	noStore     = []string{"no-store"}
	varyAccept  = []string{"Accept"}
	varyBoth    = []string{"Accept, Accept-Encoding"}
	jsonType    = []string{string(jsonMedia) + "; charset=utf-8"}
	graphqlType = []string{string(graphqlMedia) + "; charset=utf-8"}
)

// varyByAccept says that an answer depends on Accept.
func varyByAccept(header http.Header) {
	switch vary := header["Vary"]; {
	case vary == nil:
		header["Vary"] = varyAccept
	case len(vary) == 1 && vary[0] == "Accept-Encoding": // as nearly always
		header["Vary"] = varyBoth
	default:
		header.Add("Vary", "Accept")
	}
}

func (as media) contentType() []string {
	if as == graphqlMedia {
		return graphqlType
	}
	return jsonType
}

// lengths are texts of Content-Length that were written lately: what is kept is sent again and again.
var lengths [256]atomic.Pointer[length]

type length struct {
	bytes int
	text  []string
}

// lengthOf is the value of Content-Length. It has no room for another.
func lengthOf(bytes int) []string {
	slot := &lengths[bytes%len(lengths)]
	if l := slot.Load(); l != nil && l.bytes == bytes {
		return l.text
	}
	l := &length{bytes, []string{strconv.Itoa(bytes)}}
	slot.Store(l)
	return l.text
}

// write sends an answer whose length is known, in parts. A client that hangs up meanwhile is not our error.
func write(w http.ResponseWriter, status int, as media, parts ...[]byte) {
	length := 0
	for _, part := range parts {
		length += len(part)
	}
	header := w.Header()
	header["Content-Type"] = as.contentType()
	header["Content-Length"] = lengthOf(length)
	w.WriteHeader(status)
	if length > httpBuffer && length <= mostKept && len(parts) > 1 {
		// One write of everything is one that net/http doesn't copy, and a system call less.
		joined := buffers.Get().(*bytes.Buffer)
		defer buffers.Put(joined)
		joined.Reset()
		for _, part := range parts {
			joined.Write(part)
		}
		parts = [][]byte{joined.Bytes()}
	}
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			return
		}
	}
}

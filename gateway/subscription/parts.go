package subscription

import (
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/operation"
)

// multipartType is what a client of 2022 looks for, and what Apollo's accepts.
const multipartType = `multipart/mixed; boundary="-"; deferSpec=` + deferSpec

// deferSpec is the form of answers in parts, by the date of the proposal.
const deferSpec = "20220824"

// boundary is the one of multipartType as it stands in the answer.
const boundary = "---"

// parts answers a client that takes an answer in parts. Where nothing is deferred it gets a usual one.
func (h *Handler) parts(w http.ResponseWriter, r *http.Request) {
	r, client, ok := h.known(w, r)
	if !ok {
		return
	}
	params, ok := h.params(w, r)
	if !ok {
		return
	}
	if !h.limits.begin(client.Account) {
		refuse(w, http.StatusTooManyRequests, "")
		return
	}
	defer h.limits.end(client.Account)
	h.options.Metrics.Operations("multipart", 1)
	defer h.options.Metrics.Operations("multipart", -1)
	m := &multipart{handler: h, w: w, r: r}
	errs := h.run(operation.Allow(r.Context(), ast.Query, ast.Mutation), r, params, m)
	switch {
	case m.flow != nil:
		m.close(errs)
	case m.answered || len(errs) == 0: // or the client is gone
	default:
		h.options.Answer(r.Context(), w, r, &graphql.Response{Errors: errs})
	}
}

// multipart writes an answer in parts as they come. It is a Sink.
type multipart struct {
	handler  *Handler
	w        http.ResponseWriter
	r        *http.Request
	flow     *flow // nil as long as there are no parts
	answered bool
	done     bool // the last part was written
}

// Header is withHeader's.
func (m *multipart) Header() http.Header { return m.w.Header() }

// Start is Sink's.
func (m *multipart) Start(ast.Operation) {}

// Deliver is Sink's.
func (m *multipart) Deliver(response *graphql.Response) bool {
	if response.HasNext == nil || m.answered {
		if !m.answered {
			m.answered = true
			m.handler.options.Answer(m.r.Context(), m.w, m.r, response)
		}
		return false
	}
	if m.flow != nil {
		return m.part(incrementJSON(response), *response.HasNext)
	}
	header := m.w.Header()
	header.Set("Content-Type", multipartType)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	header.Set("X-Content-Type-Options", "nosniff")
	m.flow = newFlow(m.w, m.handler.config.WriteTimeout)
	m.w.WriteHeader(http.StatusOK)
	if !m.flow.write([]byte("\r\n" + boundary + "\r\n")) {
		return false
	}
	return m.part(responseJSON(response), *response.HasNext)
}

// part writes a part. The boundary comes after it and not before the next one: clients take a part when they see its end.
func (m *multipart) part(body []byte, more bool) bool {
	text := append([]byte("Content-Type: application/json; charset=utf-8\r\n\r\n"), body...)
	text = append(text, "\r\n"+boundary...)
	if m.done = !more; m.done {
		text = append(text, "--"...)
	}
	text = append(text, "\r\n"...)
	return m.flow.write(text) && more
}

// close ends an answer that broke off, with the errors that broke it.
func (m *multipart) close(errs gqlerror.List) {
	if m.done {
		return
	}
	body := []byte(`{"hasNext":false}`)
	if len(errs) > 0 {
		body = append(appendJSON([]byte(`{"incremental":[{"data":null,"path":[],"errors":`), errs), `}],"hasNext":false}`...)
	}
	m.part(body, false)
}

package server

import (
	"context"
	"errors"
	"net/http"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/upload"
)

// files answers a request that brings files. They are for mutations: no answer that is kept or shared may depend on what
// only one client has.
func (s *Server) files(ctx context.Context, w http.ResponseWriter, r *http.Request, chosen media) *problem {
	start := graphql.Now()
	form, err := upload.Open(w, r, s.options.Uploads, s.config.MaxBodyBytes)
	if form != nil {
		defer form.Close()
	}
	if err != nil {
		return unreadable(err)
	}
	if !utf8.Valid(form.Operations()) {
		return malformed("The operations are not UTF-8.")
	}
	params, wrong := readBytes(form.Operations())
	if wrong != nil {
		return wrong
	}
	if err := form.Place(params); err != nil {
		return unreadable(err)
	}
	return s.one(ctx, w, r, chosen, asked{params: params, kinds: withFiles, began: start, within: s.options.Uploads.Timeout})
}

// unreadable is what a client is told of a form that can't be read.
func unreadable(err error) *problem {
	p := &problem{status: http.StatusBadRequest, kind: fail.KindOf(err)}
	if p.kind == fail.TooLarge {
		p.status = http.StatusRequestEntityTooLarge
	}
	if failure := new(fail.Error); errors.As(err, &failure) {
		p.message = failure.Message()
	}
	return p
}

package rest

import (
	"errors"
	"net/http"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/multipart"
	"github.com/tributary-gateway/tributary/upstreams/template"
)

// form gives a request its fields as its body. It is read while it is sent, files and all, and so there's no GetBody:
// nobody can send it again.
func (r *Request) form(s *template.Scope, req *http.Request) error {
	fields, err := r.fields(s)
	if err != nil {
		return err
	}
	form, err := multipart.New(fields)
	switch {
	case errors.Is(err, multipart.ErrNotFile):
		return fail.New(fail.BadInput, "An upload must be a file of the request.")
	case err != nil:
		return fail.Wrap(fail.Internal, "form", err)
	}
	req.Header["Content-Type"] = []string{form.ContentType()}
	req.Body, req.ContentLength = form, form.Length()
	return nil
}

// fields are those of the body: its members, or the arguments that no template uses.
func (r *Request) fields(s *template.Scope) ([]multipart.Field, error) {
	switch {
	case r.Body != nil:
		var fields []multipart.Field
		err := r.Body.Members(s, func(name string, value any) {
			fields = append(fields, multipart.Field{Name: name, Value: value})
		})
		return fields, err
	case r.BodyArg != "":
		members, _ := s.Args[r.BodyArg].(map[string]any)
		return multipart.FromArgs(members, r.BodyFields), nil
	default:
		return multipart.FromArgs(s.Args, r.DefaultBody), nil
	}
}

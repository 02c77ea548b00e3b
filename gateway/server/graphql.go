package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/operation"
)

// What kinds of operations may come by POST and GET.
var (
	byPost = []ast.Operation{ast.Query, ast.Mutation}
	byGet  = []ast.Operation{ast.Query}
)

// graphql answers /graphql.
func (s *Server) graphql(w http.ResponseWriter, r *http.Request) {
	if s.streams != nil && s.streams.Handles(r) {
		s.streams.ServeHTTP(w, r)
		return
	}
	header := w.Header()
	header["Cache-Control"] = noStore
	if header["Vary"] == nil {
		header["Vary"] = varyAccept
	} else {
		header.Add("Vary", "Accept")
	}
	kinds, read := byPost, readPost
	switch r.Method {
	case http.MethodPost:
	case http.MethodGet: // a link must not change anything
		kinds, read = byGet, readGet
	default:
		otherMethod(w, r, s.methods())
		return
	}
	chosen, ok := negotiate(r.Header.Values("Accept"))
	if !ok {
		refuse(w, problem{status: http.StatusNotAcceptable, kind: fail.BadRequest,
			message: "The answer can be " + string(graphqlMedia) + " or " + string(jsonMedia) + ", and Accept excludes both."})
		return
	}
	ctx, wrong := s.identified(graphql.StartOperationTrace(r.Context()), w, r)
	if wrong != nil {
		wrong.media = chosen
		refuse(w, *wrong)
		return
	}
	start := graphql.Now()
	params, wrong := read(r)
	if wrong != nil {
		wrong.media = chosen
		refuse(w, *wrong)
		return
	}
	params.Headers = r.Header
	params.ReadTime = graphql.TraceTiming{Start: start, End: graphql.Now()}

	ctx, cancel := context.WithTimeout(ctx, s.config.OperationTimeout)
	defer cancel()
	if s.options.Context != nil {
		ctx = s.options.Context(ctx, r)
	}
	response, kept, wrong := s.execute(operation.Allow(ctx, kinds...), w, r, params)
	switch {
	case wrong != nil:
		wrong.media = chosen
		refuse(w, *wrong)
	case response == nil: // the client is gone
	default:
		s.answer(ctx, w, r, chosen, response, kept)
	}
}

// execute runs one operation. The response is nil when nobody waits for it any more.
func (s *Server) execute(ctx context.Context, w http.ResponseWriter, r *http.Request, params *graphql.RawParams) (*graphql.Response, Kept, *problem) {
	created, errs := s.executor.CreateOperationContext(ctx, params)
	if x := exchangeOf(ctx); x != nil && created.Operation != nil {
		x.setOperation(created.Operation.Name)
	}
	if errs != nil {
		if refused := new(operation.NotAllowedError); errors.As(errs, &refused) && refused.Operation == ast.Mutation {
			return nil, nil, &problem{status: http.StatusMethodNotAllowed, kind: fail.BadRequest, allow: "POST", message: "A mutation must be sent by POST."}
		}
		return s.invalid(ctx, w, created, errs), nil, nil
	}
	response, kept := s.admitted(ctx, w, r, created)
	return response, kept, nil
}

// run executes an operation that passed all checks.
func (s *Server) run(ctx context.Context, created *graphql.OperationContext) *graphql.Response {
	responses, ctx := s.executor.DispatchOperation(ctx, created)
	response := responses(ctx)
	if response != nil || errors.Is(ctx.Err(), context.Canceled) {
		return response
	}
	// gqlgen answers nothing once the deadline has passed; without one, an extension forgot to answer.
	reason := ctx.Err()
	if reason == nil {
		reason = errors.New("the execution gave no response")
	}
	return s.executor.DispatchError(ctx, gqlerror.List{gqlerror.Wrap(reason)})
}

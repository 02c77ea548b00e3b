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

// graphql answers /graphql.
func (s *Server) graphql(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Add("Vary", "Accept")
	kinds, read := []ast.Operation{ast.Query, ast.Mutation}, readPost
	switch r.Method {
	case http.MethodPost:
	case http.MethodGet: // a link must not change anything
		kinds, read = []ast.Operation{ast.Query}, readGet
	default:
		otherMethod(w, r, "GET, POST, OPTIONS")
		return
	}
	chosen, ok := negotiate(r.Header.Values("Accept"))
	if !ok {
		refuse(w, problem{status: http.StatusNotAcceptable, kind: fail.BadRequest,
			message: "The answer can be " + string(graphqlMedia) + " or " + string(jsonMedia) + ", and Accept excludes both."})
		return
	}
	ctx := graphql.StartOperationTrace(r.Context())
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
	response, wrong := s.execute(operation.Allow(ctx, kinds...), params)
	switch {
	case wrong != nil:
		wrong.media = chosen
		refuse(w, *wrong)
	case response == nil: // the client is gone
	default:
		s.answer(ctx, w, chosen, response)
	}
}

// execute runs one operation. The response is nil when nobody waits for it any more.
func (s *Server) execute(ctx context.Context, params *graphql.RawParams) (*graphql.Response, *problem) {
	created, errs := s.executor.CreateOperationContext(ctx, params)
	if x := exchangeOf(ctx); x != nil && created.Operation != nil {
		x.setOperation(created.Operation.Name)
	}
	if errs != nil {
		if refused := new(operation.NotAllowedError); errors.As(errs, &refused) && refused.Operation == ast.Mutation {
			return nil, &problem{status: http.StatusMethodNotAllowed, kind: fail.BadRequest, allow: "POST", message: "A mutation must be sent by POST."}
		}
		return s.executor.DispatchError(graphql.WithOperationContext(ctx, created), errs), nil
	}
	responses, ctx := s.executor.DispatchOperation(ctx, created)
	response := responses(ctx)
	if response != nil || errors.Is(ctx.Err(), context.Canceled) {
		return response, nil
	}
	// gqlgen answers nothing once the deadline has passed; without one, an extension forgot to answer.
	reason := ctx.Err()
	if reason == nil {
		reason = errors.New("the execution gave no response")
	}
	return s.executor.DispatchError(ctx, gqlerror.List{gqlerror.Wrap(reason)}), nil
}

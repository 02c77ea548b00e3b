package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/edge/batch"
	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/operation"
	"github.com/tributary-gateway/tributary/gateway/upload"
)

// What kinds of operations may come by POST, by GET and with files.
var (
	byPost    = []ast.Operation{ast.Query, ast.Mutation}
	byGet     = []ast.Operation{ast.Query}
	withFiles = []ast.Operation{ast.Mutation}
)

// byLink says whether a request asks by its address. HEAD is GET whose answer has no body (RFC 9110, section 9.3.2): net/http
// keeps it back.
func byLink(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// graphql answers /graphql.
func (s *Server) graphql(w http.ResponseWriter, r *http.Request) {
	files := s.options.Uploads.Enabled && upload.Is(r)
	if s.streams != nil && !files && s.streams.Handles(r) {
		s.streams.ServeHTTP(w, r)
		return
	}
	header := w.Header()
	header["Cache-Control"] = noStore
	varyByAccept(header)
	if r.Method != http.MethodPost && !byLink(r) {
		otherMethod(w, r, s.methods())
		return
	}
	chosen, ok := negotiate(r.Header.Values("Accept"))
	if !ok {
		refuse(w, problem{status: http.StatusNotAcceptable, kind: fail.BadRequest,
			message: "The answer can be " + string(graphqlMedia) + " or " + string(jsonMedia) + ", and Accept excludes both."})
		return
	}
	ctx, wrong := s.identified(r.Context(), w, r)
	start := graphql.Now()
	switch {
	case wrong != nil:
	case files:
		wrong = s.files(ctx, w, r, chosen)
	case byLink(r): // and a link must not change anything
		var params *graphql.RawParams
		if params, wrong = readGet(r); wrong == nil {
			wrong = s.one(ctx, w, r, chosen, asked{params: params, kinds: byGet, began: start})
		}
	default:
		wrong = s.post(ctx, w, r, chosen, start)
	}
	if wrong != nil {
		wrong.media = chosen
		refuse(w, *wrong)
	}
}

// post answers a request that has its parameters, or those of several operations, in a JSON body.
func (s *Server) post(ctx context.Context, w http.ResponseWriter, r *http.Request, chosen media, start time.Time) *problem {
	buffer := requestBuffers.Get().(*[]byte)
	defer requestBuffers.Put(buffer) // whoever keeps something of the body has copied it
	body, wrong := readPost(r, *buffer)
	if wrong != nil {
		return wrong
	}
	if s.recalled(ctx, w, r, chosen, body) {
		return nil
	}
	if s.options.Batching.Enabled && batch.Is(body) {
		return s.batch(ctx, w, r, chosen, body)
	}
	params, wrong := readBytes(body)
	if wrong != nil {
		return wrong
	}
	return s.one(ctx, w, r, chosen, asked{params: params, kinds: byPost, began: start, body: body})
}

// asked is one operation that a client asks for.
type asked struct {
	params *graphql.RawParams
	kinds  []ast.Operation // that may be asked for so
	began  time.Time       // when it was begun to be read
	body   []byte          // the whole request, where there is nothing else in it
	within time.Duration   // how long it may take; 0 is the deadline of all operations
}

// one answers one operation, or says what is wrong with it as a request.
func (s *Server) one(ctx context.Context, w http.ResponseWriter, r *http.Request, chosen media, a asked) *problem {
	ctx = graphql.StartOperationTrace(ctx)
	a.params.Headers = r.Header
	a.params.ReadTime = graphql.TraceTiming{Start: a.began, End: graphql.Now()}
	ctx, cancel := context.WithTimeout(ctx, max(s.config.OperationTimeout, a.within))
	defer cancel()
	if s.options.Context != nil {
		ctx = s.options.Context(ctx, r)
	}
	response, kept, wrong := s.execute(operation.Allow(ctx, a.kinds...), w, r, a)
	if wrong == nil && response != nil { // else the client is gone
		s.answer(ctx, w, r, chosen, response, kept)
	}
	return wrong
}

// execute runs one operation. The response is nil when nobody waits for it any more.
func (s *Server) execute(ctx context.Context, w http.ResponseWriter, r *http.Request, a asked) (*graphql.Response, Kept, *problem) {
	created, errs := s.executor.CreateOperationContext(ctx, a.params)
	if x := exchangeOf(ctx); x != nil && created.Operation != nil {
		x.setOperation(created.Operation.Name)
	}
	if errs != nil {
		if refused := new(operation.NotAllowedError); errors.As(errs, &refused) && refused.Operation == ast.Mutation {
			return nil, nil, &problem{status: http.StatusMethodNotAllowed, kind: fail.BadRequest, allow: "POST", message: "A mutation must be sent by POST."}
		}
		if unread := new(misnamed); errors.As(errs, &unread) {
			return nil, nil, malformed("%s", unread.public)
		}
		return s.invalid(ctx, w, created, errs), nil, nil
	}
	response, kept := s.admitted(ctx, w, r, created)
	if kept != nil && kept.Hit() && len(a.body) > 0 {
		s.learn(ctx, a.body, created)
	}
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

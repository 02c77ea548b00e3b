package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// post answers POST requests with the steps of gqlgen's transport.POST. That one stands in a package with transports
// that need modules of their own, which a yardstick isn't worth.
type post struct{ executor *executor.Executor }

// ServeHTTP reads the request with encoding/json, executes, and writes the response with encoding/json.
func (p post) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := graphql.StartOperationTrace(r.Context())
	w.Header().Set("Content-Type", "application/json")
	params := &graphql.RawParams{Headers: r.Header}
	start := graphql.Now()
	body, err := io.ReadAll(r.Body)
	if err == nil {
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.UseNumber()
		err = decoder.Decode(params)
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		respond(w, p.executor.DispatchError(ctx, gqlerror.List{gqlerror.Wrap(err)}))
		return
	}
	params.ReadTime = graphql.TraceTiming{Start: start, End: graphql.Now()}
	operation, errs := p.executor.CreateOperationContext(ctx, params)
	if errs != nil {
		w.WriteHeader(http.StatusUnprocessableEntity)
		respond(w, p.executor.DispatchError(graphql.WithOperationContext(ctx, operation), errs))
		return
	}
	responses, ctx := p.executor.DispatchOperation(ctx, operation)
	respond(w, responses(ctx))
}

func respond(w http.ResponseWriter, response *graphql.Response) {
	text, err := json.Marshal(response)
	if err != nil {
		panic(err) // as gqlgen's does
	}
	_, _ = w.Write(text) // a client that hung up is no news
}

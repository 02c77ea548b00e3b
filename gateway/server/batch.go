package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/edge/batch"
	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/operation"
)

// batchTokens is how many times the tokens that one document may have those of a batch may have together: what refusing it
// costs grows with them.
const batchTokens = 4

// element is one operation of a batch, or what is wrong with it.
type element struct {
	params *graphql.RawParams
	wrong  *problem
}

// batch answers several operations of one request. Each is read, checked, admitted and answered as if it had come alone;
// together they have the deadline of one, for there is one answer to write.
func (s *Server) batch(ctx context.Context, w http.ResponseWriter, r *http.Request, chosen media, body []byte) *problem {
	start := graphql.Now()
	texts, err := batch.Split(body, s.options.Batching.MaxOperations)
	switch {
	case errors.Is(err, batch.ErrTooMany):
		return &problem{status: http.StatusRequestEntityTooLarge, kind: fail.TooLarge, message: "The batch has too many operations."}
	case errors.Is(err, batch.ErrEmpty):
		return malformed("The batch has no operation.")
	case err != nil:
		return malformed("The body is not valid JSON.")
	}
	elements, tokens := make([]element, len(texts)), 0
	for i, text := range texts {
		e := &elements[i]
		if e.params, e.wrong = readBytes(text); e.wrong == nil {
			tokens += operation.Tokens(e.params.Query)
		}
	}
	if most := batchTokens * s.config.Operation.Limits.MaxTokens; tokens > most {
		return &problem{status: http.StatusRequestEntityTooLarge, kind: fail.TooLarge, message: fmt.Sprintf("The batch has more than %d tokens.", most)}
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.OperationTimeout)
	defer cancel()
	ctx = context.WithValue(ctx, connKey{}, nil) // gathering is for one writer
	batch.Serve(w, len(elements), s.options.Batching.Parallel, func(i int, w http.ResponseWriter) {
		wrong := elements[i].wrong
		if wrong == nil {
			wrong = s.one(ctx, w, r, chosen, asked{params: elements[i].params, kinds: byPost, began: start})
		}
		if wrong != nil {
			wrong.media = chosen
			refuse(w, *wrong)
		}
	})
	return nil
}

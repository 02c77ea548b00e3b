package server

import (
	"context"
	"encoding/json"
	"hash/maphash"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// A request whose answer is kept needs no reading when its very bytes were read before: what they ask for is known. recall
// remembers that, and where to look for the answer. All that depends on who asks, on headers and on time is asked anew:
// identity comes before, which documents may run is asked by its version, the cache looks for the answer of this caller,
// and the operation is admitted and paid for as every other. Whatever isn't as usual goes the long way.

// Shortcut is what a Cache may be, too: one that finds answers for operations that are known.
type Shortcut interface {
	// Shortcut gives what finds the answers to an operation, whoever asks; nil when they aren't kept.
	Shortcut(operation *graphql.OperationContext) Finder
}

// Finder finds the kept answers of one operation with its variables. It's safe for concurrent use.
type Finder interface {
	// Find gives the answer for the client in ctx, with these headers, if it's kept and Cache.Answer would give the same
	// and do nothing else. The price may be nil.
	Find(ctx context.Context, header http.Header) (data json.RawMessage, kept Kept, price *Price)
}

// Price is what an answer that's kept costs in full, as soon as somebody has found out. The zero value and nil don't know.
type Price struct{ points atomic.Int64 } // and 1

// Load says whether it's known.
func (p *Price) Load() (points int64, known bool) {
	if p == nil {
		return 0, false
	}
	points = p.points.Load()
	return points - 1, points > 0
}

// Store is for who has found out. It may be called on nil.
func (p *Price) Store(points int64) {
	if p != nil && points >= 0 {
		p.points.Store(points + 1)
	}
}

const (
	recalls = 1 << 11 // requests that are remembered, about
	// longestRecalled is the most bytes of one.
	longestRecalled = 4 << 10
)

// recall is bounded: two requests with the same place take it from each other.
type recall struct {
	seed  maphash.Seed
	slots [recalls]atomic.Pointer[recalled]
}

// recalled is a request that was answered by a kept answer.
type recalled struct {
	body      string
	plan      string
	documents any // the version that let it run
	operation *graphql.OperationContext
	finder    Finder
}

func (c *recall) slot(body []byte) *atomic.Pointer[recalled] {
	return &c.slots[maphash.Bytes(c.seed, body)%recalls]
}

// recalls says whether requests may be remembered: extensions may change what a request asks for by what we don't know.
func (s *Server) recalls() bool {
	if _, ok := s.options.Cache.(Shortcut); !ok {
		return false
	}
	for _, e := range s.options.Extensions {
		_, parameters := e.(graphql.OperationParameterMutator)
		_, operation := e.(graphql.OperationContextMutator)
		if parameters || operation {
			return false
		}
	}
	return true
}

// plan is that of the client in ctx, and what documents go by for it; ok is false when they are told of each.
func (s *Server) planOf(ctx context.Context) (plan string, version any, ok bool) {
	if s.options.Plan != nil {
		plan = s.options.Plan(ctx)
	}
	version, ok = s.options.Documents.Version(plan)
	return plan, version, ok
}

// learn remembers a request that was answered by a kept answer.
func (s *Server) learn(ctx context.Context, body []byte, operation *graphql.OperationContext) {
	if s.recall == nil || len(body) > longestRecalled || operation.Stats.GetExtension(lessonKey) != nil || introspects(operation.RawQuery) {
		return
	}
	plan, version, ok := s.planOf(ctx)
	if !ok {
		return
	}
	slot := s.recall.slot(body)
	if known := slot.Load(); known != nil && known.body == string(body) && known.plan == plan && known.documents == version {
		return
	}
	shortcut, ok := s.options.Cache.(Shortcut)
	if !ok {
		return
	}
	if finder := shortcut.Shortcut(operation); finder != nil {
		slot.Store(&recalled{string(body), plan, version, again(operation, nil), finder})
	}
}

// again is an operation anew, with nothing of what has become of it.
func again(o *graphql.OperationContext, header http.Header) *graphql.OperationContext {
	return &graphql.OperationContext{
		RawQuery: o.RawQuery, Variables: o.Variables, OperationName: o.OperationName, Doc: o.Doc, Operation: o.Operation, Headers: header,
		DisableIntrospection: o.DisableIntrospection, RecoverFunc: o.RecoverFunc, ResolverMiddleware: o.ResolverMiddleware,
		RootResolverMiddleware: o.RootResolverMiddleware,
	}
}

// introspects says whether a document may ask for the schema, which not every plan allows.
func introspects(query string) bool {
	return strings.Contains(query, "__schema") || strings.Count(query, "__type") != strings.Count(query, "__typename")
}

// recalled answers a request that is remembered with an answer that is kept. It says whether it did.
func (s *Server) recalled(ctx context.Context, w http.ResponseWriter, r *http.Request, chosen media, body []byte) bool {
	if s.recall == nil || len(body) > longestRecalled {
		return false
	}
	known := s.recall.slot(body).Load()
	if known == nil || known.body != string(body) {
		return false
	}
	plan, version, ok := s.planOf(ctx)
	if !ok || known.plan != plan || known.documents != version {
		return false
	}
	data, kept, price := known.finder.Find(ctx, r.Header)
	if kept == nil {
		return false
	}
	if x := exchangeOf(ctx); x != nil {
		x.setOperation(known.operation.Operation.Name)
	}
	response := &graphql.Response{Data: data}
	if s.options.Admission != nil {
		response, kept = s.paid(ctx, w, r, known.operation, response, kept, price)
	}
	s.answer(ctx, w, r, chosen, response, kept)
	return true
}

// paid is admitted for an answer that is there. Others use the operation at the same time.
func (s *Server) paid(
	ctx context.Context, w http.ResponseWriter, r *http.Request, operation *graphql.OperationContext, found *graphql.Response, kept Kept, price *Price,
) (response *graphql.Response, _ Kept) {
	ticket, err := s.options.Admission.Admit(ctx, r.Header, operation)
	defer func() {
		ticket.Settle(response)
		ticket.Header(w.Header())
	}()
	if err != nil {
		ctx = graphql.WithOperationContext(graphql.StartOperationTrace(ctx), again(operation, r.Header))
		return s.executor.DispatchError(ctx, gqlerror.List{gqlerror.WrapIfUnwrapped(err)}), nil
	}
	if response = ticket.Instead(); response != nil {
		return response, nil
	}
	if cheap, ok := ticket.(hitPrice); ok {
		cheap.Hit(price)
	}
	return found, kept
}

package server

import (
	"context"
	"crypto/rand"
	"net/http"
	"sync"

	"github.com/99designs/gqlgen/graphql"
)

const requestIDHeader = "X-Request-Id"

// exchange is what the server knows about one request while it is answered. It is the request's context, too.
type exchange struct {
	context.Context

	id string

	mu        sync.Mutex // guards what follows
	operation string
	logged    map[string]bool
	response  *graphql.Response // the last one that was asked for by the streams, and how it came about
	kept      Kept
}

type exchangeKey struct{}

// Value has the exchange itself.
func (x *exchange) Value(key any) any {
	if key == (exchangeKey{}) {
		return x
	}
	return x.Context.Value(key)
}

// exchangeOf returns the request's exchange, nil outside requests.
func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// RequestID returns the id of the request that ctx belongs to, "" when there is none. The client reads the same id in
// X-Request-Id and beside masked errors.
func RequestID(ctx context.Context) string {
	if x := exchangeOf(ctx); x != nil {
		return x.id
	}
	return ""
}

// identify takes the request's id from its header when it's a sane one, else makes one, and answers it.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if !saneID(id) {
			id = rand.Text()
		}
		w.Header().Set(requestIDHeader, id)
		next.ServeHTTP(w, r.WithContext(&exchange{Context: r.Context(), id: id}))
	})
}

// saneID says whether an id may go into logs and headers: 1 to 128 letters, digits and the punctuation of UUIDs,
// base64, and trace ids.
func saneID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '-', c == '_', c == '.', c == ':', c == '/', c == '+', c == '=':
		default:
			return false
		}
	}
	return true
}

// setKept notes how a response came about that the streams will have answered.
func (x *exchange) setKept(response *graphql.Response, kept Kept) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.response, x.kept = response, kept
}

// keptOf is how a response came about, nil when nobody noted it.
func (x *exchange) keptOf(response *graphql.Response) Kept {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.response != response {
		return nil
	}
	return x.kept
}

func (x *exchange) setOperation(name string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.operation = name
}

func (x *exchange) operationName() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.operation
}

// maxLogged is how many different failures of one request are logged.
const maxLogged = 20

// firstTime says whether a failure wasn't seen in this request: a batch that fails does so at each of its fields.
func (x *exchange) firstTime(failure string) bool {
	if x == nil {
		return true
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.logged[failure] || len(x.logged) >= maxLogged {
		return false
	}
	if x.logged == nil {
		x.logged = make(map[string]bool)
	}
	x.logged[failure] = true
	return true
}

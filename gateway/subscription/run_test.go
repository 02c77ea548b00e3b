package subscription_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/subscription"
)

// record is a Sink that writes down what it is told.
type record struct {
	mu   sync.Mutex
	said []string
	most int // deliveries until it wants no more; 0 is any number
	at   func(n int)
}

func (r *record) add(text string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, text)
	return len(r.said)
}

func (r *record) Start(kind ast.Operation) { r.add("start " + string(kind)) }

func (r *record) Deliver(response *graphql.Response) bool {
	n := r.add(string(response.Data)) - 1
	if r.at != nil {
		r.at(n)
	}
	return r.most == 0 || n < r.most
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.said, "; ")
}

// budget is an Admission that lets n things through, and says what it was asked and told.
type budget struct {
	record

	left    int
	instead *graphql.Response
}

type ticket struct {
	b       *budget
	instead *graphql.Response
}

func (b *budget) Admit(context.Context, http.Header, *graphql.OperationContext) (subscription.Ticket, error) {
	b.add("admit")
	if b.left--; b.left < 0 {
		return &ticket{b: b}, fail.New(fail.RateLimited, "")
	}
	return &ticket{b, b.instead}, nil
}

func (b *budget) Invalid(context.Context) (subscription.Ticket, error) {
	b.add("invalid")
	return &ticket{b: b}, nil
}

func (t *ticket) Instead() *graphql.Response { return t.instead }

func (t *ticket) Settle(r *graphql.Response) {
	if r == nil {
		t.b.add("settle nothing")
		return
	}
	t.b.add("settle " + string(r.Data))
}

func (t *ticket) Header(h http.Header) { h.Set("X-Budget", "told") }

func TestRun(t *testing.T) {
	for name, c := range map[string]struct {
		query                string
		left                 int
		instead              *graphql.Response
		most                 int
		want, wants, errored string
	}{
		"query":                       {query: "{ hello }", left: 1, want: `start query; {"hello":"x"}`, wants: `admit; settle {"hello":"x"}`},
		"mutation":                    {query: "mutation { set }", left: 1, want: `start mutation; {"set":"x"}`, wants: `admit; settle {"set":"x"}`},
		"not admitted":                {query: "{ hello }", wants: "admit; settle nothing", errored: "The client has spent its points."},
		"invalid":                     {query: "{ nonsense }", left: 1, wants: "invalid; settle nothing", errored: `Cannot query field "nonsense" on type "Query".`},
		"instead":                     {query: "{ hello }", left: 1, instead: &graphql.Response{Data: []byte(`"cached"`)}, want: `start query; "cached"`, wants: `admit; settle "cached"`},
		"panic":                       {query: "{ boom }", left: 1, want: "start query", wants: "admit; settle nothing", errored: "INTERNAL"},
		"events":                      {query: "subscription { ticks }", left: 4, want: `start subscription; {"ticks":1}; {"ticks":2}; {"ticks":3}`, wants: `admit; settle null; admit; settle {"ticks":1}; admit; settle {"ticks":2}; admit; settle {"ticks":3}`},
		"an event too many":           {query: "subscription { ticks }", left: 2, want: `start subscription; {"ticks":1}`, wants: `admit; settle null; admit; settle {"ticks":1}; admit; settle nothing`, errored: "The client has spent its points."},
		"subscription not admitted":   {query: "subscription { ticks }", wants: "admit; settle nothing", errored: "The client has spent its points."},
		"a source that can't":         {query: "subscription { refused }", left: 2, want: "start subscription; ", wants: `admit; settle null; admit; settle `},
		"nobody wants more":           {query: "subscription { ticks }", left: 9, most: 1, want: `start subscription; {"ticks":1}`, wants: `admit; settle null; admit; settle {"ticks":1}`},
		"deferred":                    {query: "{ late }", left: 1, want: `start query; {}; {"late":1}; {"late":1}; {"late":1}`, wants: `admit; settle {}`},
		"nobody wants deferred parts": {query: "{ late }", left: 1, most: 1, want: `start query; {}`, wants: `admit; settle {}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSchema()
			go func() {
				defer close(s.ticks)
				for i := range 3 {
					select {
					case s.ticks <- i + 1:
					case <-t.Context().Done():
						return
					}
				}
			}()
			b := &budget{left: c.left, instead: c.instead}
			r, err := subscription.NewRunner(subscription.Execution{Executor: newExecutor(t, s), Admission: b})
			if err != nil {
				t.Fatal(err)
			}
			to := &record{most: c.most}
			errs := r.Run(t.Context(), &graphql.RawParams{Query: c.query}, to)
			got := ""
			if len(errs) > 0 {
				got = errs[0].Message + fmt.Sprint(errs[0].Extensions["code"])
			}
			if to.String() != c.want || b.String() != c.wants || !strings.Contains(got, strings.TrimPrefix(c.errored, "INTERNAL")) || (c.errored == "") != (len(errs) == 0) {
				t.Errorf("delivered %s\nwant      %s\nbudget %s\nwant   %s\nerrors %v", to, c.want, b.String(), c.wants, errs)
			}
			eventually(t, "all deferred parts are taken", func() bool { return s.waiting() == 0 })
		})
	}
}

// A deadline is an error of the operation; a client that is gone is none.
func TestRunEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := subscription.NewRunner(subscription.Execution{Executor: newExecutor(t, newSchema()), Timeout: 3 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if errs := r.Run(t.Context(), &graphql.RawParams{Query: "{ slow }"}, &record{}); len(errs) != 1 || time.Since(began) != 3*time.Second {
			t.Errorf("deadline: %v after %v", errs, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		left, leave := context.WithCancel(ctx)
		time.AfterFunc(time.Second/2, leave)
		if errs := r.Run(left, &graphql.RawParams{Query: "{ slow }"}, &record{}); errs != nil {
			t.Errorf("gone: %v", errs)
		}
	})
}

// What is deferred ends with the client that leaves, and for one that wants no more.
func TestDeferredPartsOfAClientThatLeaves(t *testing.T) {
	s := newSchema()
	r, err := subscription.NewRunner(subscription.Execution{Executor: newExecutor(t, s)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	to := &record{at: func(int) { leave() }}
	r.Run(ctx, &graphql.RawParams{Query: "{ late }"}, to)
	if to.String() != "start query; {}" {
		t.Errorf("got %s", to)
	}
	eventually(t, "nothing is deferred any more", func() bool { return s.waiting() == 0 })
	to = &record{most: 2}
	r.Run(t.Context(), &graphql.RawParams{Query: "{ late }"}, to)
	if !strings.HasPrefix(to.String(), `start query; {}; {"late":1}`) {
		t.Errorf("got %s", to)
	}
	eventually(t, "nothing is deferred any more", func() bool { return s.waiting() == 0 })
}

// The whole way: sockets, protocol, executor.
func TestOverSockets(t *testing.T) {
	s := newSchema()
	b := &budget{left: 100}
	p := newPlace(t, subscription.Config{}, func(o *subscription.Options) {
		r, err := subscription.NewRunner(subscription.Execution{Executor: newExecutor(t, s), Admission: b})
		if err != nil {
			t.Fatal(err)
		}
		o.Runner = r
	})
	ws := p.dial(t, transportWS)
	talk(t, ws, []string{`> {"type":"connection_init"}`, `< {"type":"connection_ack"}`, `> {"id":"1","type":"subscribe","payload":{"query":"subscription { ticks }"}}`})
	s.ticks <- 7
	talk(t, ws, []string{`< {"id":"1","type":"next","payload":{"data":{"ticks":7}}}`,
		`> {"id":"2","type":"subscribe","payload":{"query":"mutation { set }"}}`, `< {"id":"2","type":"next","payload":{"data":{"set":"x"}}}`, `< {"id":"2","type":"complete"}`,
		`> {"id":"3","type":"subscribe","payload":{"query":"subscription { refused }"}}`, `< {"id":"3","type":"next","payload":{"errors":[{"message":"no events"}]}}`, `< {"id":"3","type":"complete"}`})
	if got := text(t, p.request(t, t.Context(), http.MethodGet, "/?query=mutation%20%7B%20set%20%7D", "", wantsEvents)); !strings.Contains(got, "A mutation can't be sent this way.") {
		t.Errorf("mutation by GET: %s", got)
	}
	if got := p.request(t, t.Context(), http.MethodPost, "/", `{"query":"subscription { ticks }"}`, wantsParts, isJSON); got.StatusCode != http.StatusBadRequest {
		t.Errorf("subscription as multipart: %d", got.StatusCode)
	}
	if got := p.request(t, t.Context(), http.MethodPost, "/", `{"query":"{ hello }"}`, wantsParts, isJSON).Header.Get("X-Budget"); got != "told" {
		t.Errorf("budget %q", got)
	}
}

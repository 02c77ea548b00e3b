package admission_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/tributary-gateway/tributary/gateway/admission"
	"github.com/tributary-gateway/tributary/gateway/cost"
	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/identity"
	"github.com/tributary-gateway/tributary/gateway/ratelimit"
	"github.com/tributary-gateway/tributary/gateway/server"
)

const directives = `
directive @cost(weight: String!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR
directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION
`

var schema = gqlparser.MustLoadSchema(&ast.Source{Input: directives + `
type Query {
  item: Item
  items(first: Int): [Item!]! @listSize(slicingArguments: ["first"])
  all: [Item!]!
  dear: Int @cost(weight: "40")
}
type Item { id: ID! more: [Item!]! }
`})

// burst is a plan of one bucket that a test's time restores nothing of, unless it's virtual.
func burst(capacity int, restore float64) admission.Plan {
	return admission.Plan{PlanConfig: ratelimit.PlanConfig{
		Buckets: []ratelimit.Bucket{{Name: "burst", Capacity: capacity, Restore: restore}},
	}}
}

const hardly = 0.001 // points per second

// limits is a configuration where known clients are on the plan.
func limits(plan admission.Plan) admission.Config {
	return admission.Config{Plans: map[string]admission.Plan{"default": plan}, Tell: admission.Always}
}

// desk is an Admission with its log.
type desk struct {
	*admission.Admission
	t   testing.TB
	log bytes.Buffer
}

func newDesk(t testing.TB, c admission.Config, change ...func(*admission.Options)) *desk {
	t.Helper()
	d := &desk{t: t}
	o := admission.Options{Schema: schema, Logger: slog.New(slog.NewTextHandler(&d.log, nil))}
	for _, f := range change {
		f(&o)
	}
	var err error
	if d.Admission, err = admission.New(c, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return d
}

func unbounded(o *admission.Options) { o.Cost = cost.Config{DefaultListSize: cost.Unbounded} }

// client is who asks.
func client(name, plan string) context.Context {
	return identity.With(context.Background(), identity.Client{ID: name, Plan: plan, Authenticated: true})
}

// operation is what the server makes of a request that passed every check.
func operation(t testing.TB, query string, variables map[string]any) *graphql.OperationContext {
	t.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(schema, query, rules.NewDefaultRules())
	if errs != nil {
		t.Fatal(errs)
	}
	return &graphql.OperationContext{Doc: doc, Operation: doc.Operations[0], Variables: variables, RawQuery: query}
}

// visit is one operation at the desk.
type visit struct {
	server.Ticket
	t         testing.TB
	err       error
	operation *graphql.OperationContext
}

// asking is what the header GraphQL-Cost says; it's empty for none.
func (d *desk) asking(ctx context.Context, asked, query string, variables map[string]any) visit {
	d.t.Helper()
	header := http.Header{}
	if asked != "" {
		header.Set("GraphQL-Cost", asked)
	}
	v := visit{t: d.t, operation: operation(d.t, query, variables)}
	v.Ticket, v.err = d.Admit(ctx, header, v.operation)
	if v.Ticket == nil {
		d.t.Fatal("no ticket")
	}
	if v.err == nil {
		server.Paid(v.operation, v.Ticket)
	}
	return v
}

func (d *desk) admit(query string) visit {
	d.t.Helper()
	return d.asking(client("ada", ""), "", query, nil)
}

// refused is the failure that a client reads, with its extensions as JSON.
func (v visit) refused(kind fail.Kind) (message, extensions string) {
	v.t.Helper()
	var failure *fail.Error
	if !errors.As(v.err, &failure) || failure.Kind != kind {
		v.t.Fatalf("got %v, want %s", v.err, kind)
	}
	return failure.Message(), text(v.t, failure.Extensions)
}

// header is one that the client reads.
func (v visit) header(name string) string {
	h := http.Header{}
	v.Header(h)
	return h.Get(name)
}

// answer settles with data and gives extensions.cost, empty for none.
func (v visit) answer(data string) string {
	v.t.Helper()
	response := &graphql.Response{}
	if data != "" {
		response.Data = []byte(data)
	}
	v.Settle(response)
	told, ok := response.Extensions["cost"]
	if !ok {
		return ""
	}
	return text(v.t, told)
}

func text(t testing.TB, value any) string {
	t.Helper()
	out, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// left is how many points a client has, which an operation that costs nothing but its root tells before it's run.
func (d *desk) left(ctx context.Context) string {
	d.t.Helper()
	v := d.asking(ctx, "", `{ __typename }`, nil) // 1 point, the root
	defer v.Settle(&graphql.Response{Data: []byte("null")})
	return v.header("RateLimit")
}

// faulty is a schema with a directive that makes no sense.
func faulty() *ast.Schema {
	return gqlparser.MustLoadSchema(&ast.Source{Input: directives + `type Query { n: Int @cost(weight: "a lot") }`})
}

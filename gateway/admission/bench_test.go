package admission_test

import (
	"net/http"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/admission"
)

// BenchmarkCheapOperation is what admission adds to an operation: pricing, taking points, telling, giving back.
func BenchmarkCheapOperation(b *testing.B) {
	bounded := burst(1_000_000_000, 1_000_000)
	bounded.MaxDepth, bounded.MaxTokens = 10, 1000
	quiet := func(c admission.Config) admission.Config { c.Tell = admission.OnRequest; return c }
	for _, c := range []struct {
		name   string
		config admission.Config
	}{
		{"no limits", admission.Config{}},
		{"one bucket", quiet(limits(burst(1_000_000_000, 1_000_000)))},
		{"with bounds", quiet(limits(bounded))},
		{"told always", limits(burst(1_000_000_000, 1_000_000))},
	} {
		b.Run(c.name, func(b *testing.B) {
			d := newDesk(b, c.config)
			op, header, ctx, data := operation(b, `{ dear }`, nil), http.Header{}, client("ada", ""), []byte(`{"dear":7}`)
			b.ReportAllocs()
			for b.Loop() {
				op.Stats = graphql.Stats{}
				ticket, err := d.Admit(ctx, header, op)
				if err != nil {
					b.Fatal(err)
				}
				answered := http.Header{}
				ticket.Header(answered)
				ticket.Settle(&graphql.Response{Data: data})
			}
		})
	}
}

package admission_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/admission"
	"github.com/tributary-gateway/tributary/gateway/fail"
)

// TestTell walks who is told what, by the setting and the header.
func TestTell(t *testing.T) {
	for _, c := range []struct {
		tell       admission.Tell
		asked      string
		told, rows bool
		runs       bool
	}{
		{admission.Always, "", true, false, true},
		{admission.Always, "report", true, true, true},
		{admission.Always, "validate", true, true, false},
		{"", "", false, false, true}, // the default is on_request
		{admission.OnRequest, "", false, false, true},
		{admission.OnRequest, "report", true, true, true},
		{admission.OnRequest, " Report ", true, true, true},
		{admission.OnRequest, "VALIDATE", true, true, false},
		{admission.OnRequest, "everything", false, false, true},
		{admission.Never, "", false, false, true},
		{admission.Never, "report", false, false, true},
		{admission.Never, "validate", false, false, false},
	} {
		config := limits(burst(100, hardly))
		config.Tell = c.tell
		d := newDesk(t, config)
		v := d.asking(client("ada", ""), c.asked, fiveItems, nil)
		instead := v.Instead()
		if v.err != nil || (instead == nil) != c.runs {
			t.Errorf("%s %s: %v, instead of running %v", c.tell, c.asked, v.err, instead)
		}
		data := twoCame
		if instead != nil {
			if data = string(instead.Data); data != "null" || instead.Errors != nil {
				t.Errorf("%s %s: instead %+v", c.tell, c.asked, instead)
			}
		}
		got := v.answer(data)
		if (got != "") != c.told || strings.Contains(got, "byPath") != c.rows {
			t.Errorf("%s %s: told %q", c.tell, c.asked, got)
		}
		if v.header("RateLimit") == "" {
			t.Errorf("%s %s: headers are for everybody", c.tell, c.asked)
		}
	}
}

// TestValidate prices an operation, whatever the client could afford, for a point.
func TestValidate(t *testing.T) {
	d := newDesk(t, limits(burst(20, hardly)))
	query := `query($n: Int) { items(first: $n) { id more { id } } dear }`
	v := d.asking(client("ada", ""), "validate", query, map[string]any{"n": json.Number("3")})
	if v.err != nil {
		t.Fatal(v.err)
	}
	response := v.Instead()
	v.Settle(response)
	const want = `{"byPath":[` +
		`{"path":"","field":"Query","size":1,"fieldCost":0,"typeCost":1},` +
		`{"path":"items","field":"Query.items","size":3,"fieldCost":1,"typeCost":3},` +
		`{"path":"items.id","field":"Item.id","size":1,"fieldCost":0,"typeCost":0},` +
		`{"path":"items.more","field":"Item.more","size":100,"fieldCost":3,"typeCost":300},` +
		`{"path":"items.more.id","field":"Item.id","size":1,"fieldCost":0,"typeCost":0},` +
		`{"path":"dear","field":"Query.dear","size":1,"fieldCost":40,"typeCost":0}],` +
		`"fieldCost":44,"requestedQueryCost":348,"throttleStatus":{"maximumAvailable":20,"currentlyAvailable":19,"restoreRate":0.001},"typeCost":304}`
	if got := text(t, response.Extensions["cost"]); got != want {
		t.Errorf("told\n%s\nwant\n%s", got, want)
	}
	for range 19 {
		if v := d.asking(client("ada", ""), "validate", query, map[string]any{"n": json.Number("3")}); v.err != nil {
			t.Fatal(v.err)
		}
	}
	d.asking(client("ada", ""), "validate", query, nil).refused(fail.RateLimited)
}

// TestReport has the table by path beside the answer's cost.
func TestReport(t *testing.T) {
	d := newDesk(t, limits(burst(100, hardly)))
	got := d.asking(client("ada", ""), "report", fiveItems, nil).answer(twoCame)
	for _, want := range []string{`"requestedQueryCost":7`, `"actualQueryCost":4`, `{"path":"items","field":"Query.items","size":5,"fieldCost":1,"typeCost":5}`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
}

// TestOtherExtensionsStay: the cost is added to what is there.
func TestOtherExtensionsStay(t *testing.T) {
	d := newDesk(t, limits(burst(100, hardly)))
	response := &graphql.Response{Data: []byte(twoCame), Extensions: map[string]any{"trace": 7}}
	d.admit(fiveItems).Settle(response)
	if response.Extensions["trace"] != 7 || response.Extensions["cost"] == nil {
		t.Errorf("got %v", response.Extensions)
	}
}

// TestBudgetOf is what a resolver may tell of the client's budget.
func TestBudgetOf(t *testing.T) {
	d := newDesk(t, limits(burst(100, 10)))
	v := d.admit(fiveItems)
	ctx := graphql.WithOperationContext(t.Context(), v.operation)
	b, ok := admission.BudgetOf(ctx)
	if !ok || b.Limit != 100 || b.Remaining != 93 || b.Cost != 7 || b.ResetAt.IsZero() {
		t.Errorf("got %+v, %v", b, ok)
	}
	if _, ok := admission.BudgetOf(t.Context()); ok {
		t.Error("a budget without an operation")
	}
	none := newDesk(t, admission.Config{}).admit(fiveItems)
	if b, ok := admission.BudgetOf(graphql.WithOperationContext(t.Context(), none.operation)); ok {
		t.Errorf("a budget without limits: %+v", b)
	}
}

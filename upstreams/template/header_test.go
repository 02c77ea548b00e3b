package template_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/upstreams/template"
)

func TestHeaders(t *testing.T) {
	headers, err := template.NewHeaders(literal(t, `{
		X_Tenant: "{header.X-Tenant}", prefer: "return=minimal", X_Number: "n={n}", X_None: "{missing}", X_Nil: "a{nil}",
		X_Keys: "{keys}", Accept: "text/{{x}}"
	}`))
	if err != nil {
		t.Fatal(err)
	}
	got := http.Header{}
	if err := headers.Expand(scope(t), got.Set); err != nil {
		t.Fatal(err)
	}
	want := http.Header{
		"X-Tenant": {"acme"}, "Prefer": {"return=minimal"}, "X-Number": {"n=-3"}, "X-Keys": {"1,b&c"}, "Accept": {"text/{x}"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRefusedHeaderValues(t *testing.T) {
	for text, want := range map[string]string{
		"{header.X-Evil}": "The value of {header.X-Evil} can't have control characters in a header.",
		"{id}{quote}":     "The value of {quote} can't have control characters in a header.",
		"{list}":          "The value of {list} can't be a list in a header.",
		"{this.object}":   "The value of {this.object} can't be an object in a header.",
	} {
		headers, err := template.NewHeaders(literal(t, `{X_A: "`+text+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		err = headers.Expand(scope(t), func(name, value string) { t.Errorf("%s: %q", name, value) })
		if err == nil || publicText(t, err) != want {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}

func TestHeaderMistakes(t *testing.T) {
	for text, want := range map[string]string{
		`"x"`:                      `it must be an object of headers, such as {Prefer: "return=minimal"}`,
		`{a: 1}`:                   "a: a header's value is a text; write it in quotes",
		`{a: "{"}`:                 `a: "{" has a "{" that is never closed; a literal brace is written "{{"`,
		`{a: "x\ny"}`:              "a: a header can't have control characters",
		`{host: "evil"}`:           "host: the gateway writes this header itself; leave it out",
		`{Transfer_Encoding: "x"}`: "Transfer_Encoding: the gateway writes this header itself; leave it out",
	} {
		if _, err := template.NewHeaders(literal(t, text)); err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}

package caching_test

import (
	"strings"
	"testing"
)

// TestExplain: a caller with the scope cache:explain reads where an answer comes from, or the first reason why it isn't
// kept, with its path. Nobody else does.
func TestExplain(t *testing.T) {
	known, texts := keys(t, map[string][]string{"may": {"cache:explain"}, "maynot": nil})
	for _, c := range []struct {
		name, query string
		off         bool
		headers     []string
		want        []string // of one request after the other
	}{
		{name: "a miss and a hit", query: `{ item(id: 1) { id } }`, want: []string{`"status":"miss"`, `"status":"hit","hit":true`}},
		{name: "scope and tags", query: `{ item(id: 1) { id } }`, want: []string{`"scope":"PUBLIC","tags":["Item:1","service:shop","type:Item"]`}},
		{name: "for its caller", query: `{ me { email } }`, want: []string{`"scope":"PRIVATE"`, `"status":"hit"`}},
		{name: "no maxAge", query: `{ news plain }`, want: []string{`{"cache":{"status":"bypass","hit":false,"age":0,"ttl":0,"reason":"Query.plain has no maxAge"}}`}},
		{name: "no maxAge, under another name", query: `{ a: plain }`, want: []string{`"reason":"Query.a has no maxAge"`}},
		{name: "a mutation", query: `mutation { touch(id: 1) }`, want: []string{`"reason":"mutations are not kept"`}},
		{name: "introspection", query: `{ __typename }`, want: []string{`"reason":"nothing that is asked for has a maxAge"`}},
		{name: "by hand", query: `{ news byHand }`, want: []string{`"reason":"Query.byHand is written by hand"`}},
		{name: "an error", query: `{ find(word: "conflict") { id } }`, want: []string{`"reason":"there are errors"`}},
		{name: "a service's private", query: `{ me { id } }`, want: []string{`"reason":"Query.me: the service says private"`}},
		{name: "too large", query: `{ find(word: "long") { id } }`, want: []string{`"reason":"the answer is too large"`}},
		{name: "no-store", query: `{ item(id: 1) { id } }`, headers: []string{"Cache-Control", "no-store"}, want: []string{`"reason":"the client sent no-store"`}},
		{name: "off", query: `{ item(id: 1) { id } }`, off: true, want: []string{`"reason":"the cache is off"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			settings := "cache: {store: {max_entry: 1000B}}"
			if c.off {
				settings = "cache: {disabled: true}"
			}
			g := start(t, newService(t, true, nil), settings+known)
			ask := func(key string) string {
				t.Helper()
				a, err := g.try(t.Context(), c.query, nil, append([]string{"X-Api-Key", texts[key]}, c.headers...)...)
				if err != nil {
					t.Fatal(err)
				}
				return a.body
			}
			for i, want := range c.want {
				if got := ask("may"); !strings.Contains(got, want) {
					t.Errorf("%d: %s, want %s", i, got, want)
				}
			}
			for range 3 {
				if got := ask("maynot"); strings.Contains(got, `"extensions":{"cache"`) {
					t.Errorf("without the scope: %s", got)
				}
			}
			if got := g.ask(`{ __typename }`, nil).body; strings.Contains(got, "extensions") {
				t.Errorf("nobody: %s", got)
			}
		})
	}
	t.Run("nobody's", func(t *testing.T) { // who has no key may not read it, but isn't given another's either
		g := start(t, newService(t, true, nil), known)
		for range 2 {
			a := g.ask(`{ me { email } }`, nil)
			if a.header.Get("Cache-Control") != "no-store" || strings.Contains(a.cacheStatus(), "hit") {
				t.Errorf("%v", a.header)
			}
		}
	})
}

package subscription_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/subscription"
)

// What ReadParams takes is one JSON object whose members encoding/json reads the same way.
func FuzzReadParams(f *testing.F) {
	for _, text := range []string{`{"query":"{ a }"}`, `{"query":"x","variables":{"a":1e400},"operationName":null}`, `{"extensions":{"a":[]}}`,
		`{"query":"x","query":"y"}`, `[]`, `{"query":1}`, `{"a":{"a":{}},"query":"\ud800"}`, `null`, ``, `{"query":"a"}x`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := subscription.ReadParams(data)
		if err != nil {
			if p != nil || err.Error() == "" {
				t.Errorf("%v with %v", p, err)
			}
			return
		}
		var plain map[string]json.RawMessage
		if err := json.Unmarshal(data, &plain); err != nil {
			t.Fatalf("%q isn't JSON: %v", data, err)
		}
		var query string
		_ = json.Unmarshal(plain["query"], &query)
		if query != p.Query || query == "" && len(p.Extensions) == 0 {
			t.Errorf("query %q, read as %q", query, p.Query)
		}
	})
}

// Whatever a client says, it gets well-formed messages and a close, and the next one is served.
func FuzzConversation(f *testing.F) {
	p := newPlace(f, subscription.Config{})
	for _, text := range []string{
		`{"type":"connection_init"}` + "\n" + `{"id":"1","type":"subscribe","payload":{"query":"{ hello }"}}`,
		`{"type":"ping","payload":{}}` + "\n" + `{"type":"pong"}`,
		`{"id":"1","type":"complete"}`, `{`, "\xff", `{"type":"connection_init","payload":[]}`,
	} {
		f.Add(text, false)
		f.Add(strings.ReplaceAll(text, "subscribe", "start"), true)
	}
	f.Fuzz(func(t *testing.T, text string, legacy bool) {
		protocol := transportWS
		if legacy {
			protocol = legacyWS
		}
		ws := p.dial(t, protocol)
		for i, line := range strings.Split(text, "\n") {
			if i == 8 {
				break
			}
			if ws.Write(t.Context(), 1, []byte(line)) != nil {
				break
			}
		}
		last := "the end" // is no message, so that there is a close
		if legacy {
			last = `{"type":"connection_terminate"}`
		}
		_ = ws.Write(t.Context(), 1, []byte(last))
		for {
			got := hear(t, ws)
			if strings.HasPrefix(got, "close ") {
				return
			}
			if strings.HasPrefix(got, "broken") {
				t.Fatalf("%q: %s", text, got)
			}
			if !json.Valid([]byte(got)) {
				t.Fatalf("%q: not JSON: %q", text, got)
			}
		}
	})
}

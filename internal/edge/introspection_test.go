package edge_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/identity"
)

// Whether the schema may be asked for is the configuration's to say, and a plan's; where it may not, no message tells of
// it either, on no road.
func TestIntrospection(t *testing.T) {
	text, key, err := identity.NewKey("someone", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	key.Plan = "partner"
	const plans = "limits: {plans: {anonymous: {}, partner: {introspection: %}}}\nbatching: {enabled: true}\n"
	manifest := withDocuments(t, "")
	manifest = manifest[:strings.Index(manifest, "batching")]
	for _, c := range []struct {
		name, yaml       string
		everybody, owner bool
	}{
		{"on", "", true, true},
		{"denied to a plan", strings.Replace(plans, "%", "deny", 1), true, false},
		{"off, allowed to a plan", strings.Replace(plans, "%", "allow", 1) + "server: {operation: {disable_introspection: true}}\n", false, true},
		{"off", "server: {operation: {disable_introspection: true}}\n", false, false},
	} {
		yaml := c.yaml + manifest
		if !strings.Contains(yaml, "batching") {
			yaml += "batching: {enabled: true}\n"
		}
		r := start(t, yaml, assemble.WithKeys(key))
		for _, road := range roads() {
			t.Run(c.name+"/"+road.name, func(t *testing.T) {
				for range 2 { // documents are kept
					for _, who := range []struct {
						header []string
						may    bool
					}{{nil, c.everybody}, {[]string{"X-Api-Key", text}, c.owner}} {
						got := road.run(t, r, map[string]any{"query": "{ __schema { queryType { name } } }"}, who.header...)
						if refused := strings.Contains(got, "Introspection is off"); refused == who.may {
							t.Errorf("%v: %s", who.header, got)
						}
						got = road.run(t, r, map[string]any{"query": "{ greetin }"}, who.header...)
						if told := strings.Contains(got, "Did you mean"); told != who.may {
							t.Errorf("%v: a suggestion: %s", who.header, got)
						}
					}
				}
			})
		}
	}
}

package cache_test

import (
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/cache"
)

func TestTargets(t *testing.T) {
	r, _ := rules(t, shop, cache.Config{})
	for _, c := range []struct{ kind, name, want string }{
		{"type", "Post", "type:Post"},
		{"type", "Node", "type:Node type:Post type:User"},
		{"type", "None", `the schema has no object, interface or union "None"`},
		{"type", "", `the schema has no object, interface or union ""`},
		{"entity", "Post:5", "Post:5"},
		{"entity", "Post:a:b", "Post:a:b"},
		{"entity", "Node:5", "Post:5 User:5"},
		{"entity", "Post", `"Post" is no entity; write Type:id`},
		{"list", "Post", "list:Post"},
		{"service", "blog", "service:blog"},
		{"service", "", "service needs a name"},
		{"tag", "orders:5", "orders:5"},
		{"all", "", "all"},
		{"all", "x", `all takes no name, and got "x"`},
		{"thing", "x", `"thing" is no kind; give type, entity, list, service, tag or all`},
	} {
		tags, err := r.Tags(cache.Target{Kind: c.kind, Name: c.name})
		got := strings.Join(tags, " ")
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s %s: got %s, want %s", c.kind, c.name, got, c.want)
		}
	}
}

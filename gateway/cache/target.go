package cache

import (
	"fmt"
	"strings"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
)

// Target is what an operator wants purged: one kind of thing, by name.
type Target struct {
	// Kind is type, entity, list, service, tag or all.
	Kind string `json:"kind"`
	// Name is a type's, an entity's as Type:id, a service's, or the tag. all has none.
	Name string `json:"name,omitempty"`
}

// Tags are what to purge for a target. The error is for the operator.
func (r *Rules) Tags(t Target) ([]string, error) {
	typ, id, _ := strings.Cut(t.Name, ":")
	switch t.Kind {
	case "type", "list", "entity":
		if _, known := r.possible[typ]; !known {
			return nil, fmt.Errorf("the schema has no object, interface or union %q", typ)
		}
	}
	switch {
	case t.Kind == "all" && t.Name == "":
		return []string{store.All}, nil
	case t.Kind == "all":
		return nil, fmt.Errorf("all takes no name, and got %q", t.Name)
	case t.Name == "":
		return nil, fmt.Errorf("%s needs a name", t.Kind)
	case t.Kind == "type":
		return r.TypeTags(t.Name), nil
	case t.Kind == "entity":
		if id == "" {
			return nil, fmt.Errorf("%q is no entity; write Type:id", t.Name)
		}
		var tags []string
		for _, name := range r.possible[typ] {
			tags = append(tags, store.EntityTag(name, id))
		}
		return tags, nil
	case t.Kind == "list":
		return []string{store.ListTag(t.Name)}, nil
	case t.Kind == "service":
		return []string{store.ServiceTag(t.Name)}, nil
	case t.Kind == "tag":
		return []string{t.Name}, nil
	}
	return nil, fmt.Errorf("%q is no kind; give type, entity, list, service, tag or all", t.Kind)
}

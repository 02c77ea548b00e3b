package resolvers

import (
	"context"
	"strings"

	"github.com/tributary-gateway/tributary/internal/e2e/gateway/graph/model"
	"github.com/tributary-gateway/tributary/upstreams/loader"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// initials are the first letters of the words of a name.
func initials(name string) string {
	var letters strings.Builder
	for word := range strings.FieldsSeq(name) {
		letters.WriteString(word[:1])
	}
	return letters.String()
}

// ranks numbers the objects of one call, so that an answer shows which of them came together.
func ranks(objs []*model.Person) []*int32 {
	list := make([]*int32, len(objs))
	for i := range objs {
		rank := int32(i + 1)
		list[i] = &rank
	}
	return list
}

// copyThing replaces a thing by itself to learn its name, which no call of the service just reads, and makes another one
// with that name.
func copyThing(ctx context.Context, id string) (*model.Thing, error) {
	thing, err := loader.Call(ctx, "Mutation.replace", map[string]any{"id": id}, loader.Object[model.Thing])
	if thing == nil || err != nil {
		return nil, err
	}
	input := map[string]any{"name": view.Unpack(thing).Get("name").Any()}
	return loader.Call(ctx, "Mutation.create", map[string]any{"input": input}, loader.Object[model.Thing])
}

package resolvers

import (
	"github.com/tributary-gateway/tributary/examples/blog/graph/model"
	"github.com/tributary-gateway/tributary/upstreams/loader"
)

// countOpen reads a user's todos as the number of those that are not done. It is a loader.Reader, as the generated
// resolvers use them: what can't be read is an error of that user's field alone.
func countOpen(at *loader.Place, a loader.Answer) (int32, error) {
	todos, err := loader.Objects[model.Todo](at, a)
	if err != nil {
		return 0, err
	}
	open := int32(0)
	for _, todo := range todos {
		done, err := todo.Completed()
		if err != nil {
			return 0, err
		}
		if !done {
			open++
		}
	}
	return open, nil
}

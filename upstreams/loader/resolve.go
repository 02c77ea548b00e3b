package loader

import (
	"context"
	"errors"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// Field answers a declarative field of a root type, with the arguments that the operation gives it. The generated
// resolvers of Query and Mutation call it.
func Field[R any](ctx context.Context, coordinate string, read Reader[R]) (R, error) {
	o, f, err := fieldOf(ctx, coordinate)
	if err != nil {
		var none R
		return none, err
	}
	return one(ctx, o, f, o.argsOf(ctx, f), view.Value{}, read)
}

// Batch answers a declarative field for all its parents: one result per parent, in their order. The generated batch
// resolvers call it. Failures of single parents are a graphql.BatchErrorList.
func Batch[T view.Of, R any](ctx context.Context, coordinate string, parents []*T, read Reader[R]) ([]R, error) {
	o, f, err := fieldOf(ctx, coordinate)
	if err != nil {
		return nil, err
	}
	all, err := o.answer(ctx, f, o.argsOf(ctx, f), len(parents), func(i int) view.Value { return view.Unpack(parents[i]) })
	if err != nil {
		return nil, err
	}
	results := make([]R, len(parents))
	at := Place{ctx: ctx, parents: len(parents)}
	var failed graphql.BatchErrorList
	first := make([]int32, len(all.entries)) // the parent whose result is that of a key, plus one
	for i := range parents {
		place, shared := all.shared(i)
		if shared && first[place] > 0 {
			results[i] = results[first[place]-1]
			continue
		}
		at.parent = i
		before := at.failed
		value, err := readAnswer(&at, all.of(i), read)
		if err != nil {
			if failed == nil {
				failed = make(graphql.BatchErrorList, len(parents))
			}
			failed[i] = err
			continue
		}
		results[i] = value
		if shared && at.failed == before { // errors belong to the place of one parent
			first[place] = int32(i) + 1
		}
	}
	if failed != nil {
		return results, failed
	}
	return results, nil
}

// Call makes the call of a root field with these arguments: for resolvers written by hand. Arguments are as JSON has
// them: nil, bool, numbers, string, []any, map[string]any.
func Call[R any](ctx context.Context, coordinate string, args map[string]any, read Reader[R]) (R, error) {
	return via(ctx, coordinate, args, view.Value{}, read)
}

// Via answers a declarative field of one parent: for resolvers written by hand that need what another field of their
// object is made of. Many at once are one batch.
func Via[T view.Of, R any](ctx context.Context, coordinate string, parent *T, args map[string]any, read Reader[R]) (R, error) {
	return via(ctx, coordinate, args, view.Unpack(parent), read)
}

// Entity fetches the object of a type with @rest by its key, nil when there is none: for resolvers written by hand.
// Many at once are one batch.
func Entity[T view.Of](ctx context.Context, typeName, id string) (*T, error) {
	o := From(ctx)
	if o == nil {
		return nil, errNoOperation(typeName)
	}
	e := o.upstreams.graph.Entities[typeName]
	if e == nil {
		return nil, &fail.Error{Kind: fail.Internal, Op: typeName, Err: errors.New("the type has no @rest")}
	}
	entries, err := o.load(ctx, o.groupOf(e), []key{{Text: id}})
	if err != nil {
		return nil, err
	}
	return readAnswer(&Place{ctx: ctx, parent: -1}, entries[0].answer, Object[T])
}

func via[R any](ctx context.Context, coordinate string, args map[string]any, parent view.Value, read Reader[R]) (R, error) {
	o, f, err := fieldOf(ctx, coordinate)
	if err != nil {
		var none R
		return none, err
	}
	return one(ctx, o, f, args, parent, read)
}

func one[R any](ctx context.Context, o *Operation, f *field, args map[string]any, parent view.Value, read Reader[R]) (R, error) {
	all, err := o.answer(ctx, f, args, 1, func(int) view.Value { return parent })
	if err != nil {
		var none R
		return none, err
	}
	return readAnswer(&Place{ctx: ctx, parent: -1}, all.of(0), read)
}

// Reading reads values that come without being asked for, such as events, as Reader reads answers. The errors of a list's
// items go to the context that it gets.
func Reading[R any](read Reader[R]) func(context.Context, view.Value) (R, error) {
	return func(ctx context.Context, v view.Value) (R, error) {
		return readAnswer(&Place{ctx: ctx, parent: -1}, Answer{Value: v}, read)
	}
}

func readAnswer[R any](at *Place, a Answer, read Reader[R]) (R, error) {
	if a.Err != nil {
		var none R
		return none, a.Err
	}
	return read(at, a)
}

package loader

import (
	"context"
	"errors"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/call"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// Field answers a declarative field of a root type, with the arguments that the operation gives it. The generated
// resolvers of Query and Mutation call it.
func Field[R any](ctx context.Context, coordinate string, read Reader[R]) (R, error) {
	return Call(ctx, coordinate, fieldArgs(ctx), read)
}

// Batch answers a declarative field for all its parents: one result per parent, in their order. The generated batch
// resolvers call it. Failures of single parents are a graphql.BatchErrorList.
func Batch[T view.Of, R any](ctx context.Context, coordinate string, parents []*T, read Reader[R]) ([]R, error) {
	values := make([]view.Value, len(parents))
	for i := range parents {
		values[i] = view.Unpack(parents[i])
	}
	answers, err := answer(ctx, coordinate, fieldArgs(ctx), values)
	if err != nil {
		return nil, err
	}
	results := make([]R, len(parents))
	at := Place{ctx: ctx, parents: len(parents)}
	var failed graphql.BatchErrorList
	for i := range answers {
		at.parent = i
		value, err := readAnswer(&at, answers[i], read)
		if err != nil {
			if failed == nil {
				failed = make(graphql.BatchErrorList, len(parents))
			}
			failed[i] = err
			continue
		}
		results[i] = value
	}
	if failed != nil {
		return results, failed
	}
	return results, nil
}

// Call makes the call of a root field with these arguments: for resolvers written by hand. Arguments are as JSON has
// them: nil, bool, numbers, string, []any, map[string]any.
func Call[R any](ctx context.Context, coordinate string, args map[string]any, read Reader[R]) (R, error) {
	return one(ctx, coordinate, args, view.Value{}, read)
}

// Via answers a declarative field of one parent: for resolvers written by hand that need what another field of their
// object is made of. Many at once are one batch.
func Via[T view.Of, R any](ctx context.Context, coordinate string, parent *T, args map[string]any, read Reader[R]) (R, error) {
	return one(ctx, coordinate, args, view.Unpack(parent), read)
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

func one[R any](ctx context.Context, coordinate string, args map[string]any, parent view.Value, read Reader[R]) (R, error) {
	answers, err := answer(ctx, coordinate, args, []view.Value{parent})
	if err != nil {
		var none R
		return none, err
	}
	return readAnswer(&Place{ctx: ctx, parent: -1}, answers[0], read)
}

func readAnswer[R any](at *Place, a Answer, read Reader[R]) (R, error) {
	if a.Err != nil {
		var none R
		return none, a.Err
	}
	return read(at, a)
}

// answer gives one answer per parent. The error is one of all parents.
func answer(ctx context.Context, coordinate string, args map[string]any, parents []view.Value) ([]Answer, error) {
	o := From(ctx)
	if o == nil {
		return nil, errNoOperation(coordinate)
	}
	f, err := o.upstreams.field(coordinate)
	if err != nil {
		return nil, err
	}
	switch {
	case f.Ref != nil:
		return o.refs(ctx, f, args, parents)
	case f.Call.Keying != call.Unkeyed:
		return o.keyed(ctx, f, args, parents)
	default:
		return o.unkeyed(ctx, f, args, parents), nil
	}
}

// unkeyed makes the call once per parent.
func (o *Operation) unkeyed(ctx context.Context, f *call.Field, args map[string]any, parents []view.Value) []Answer {
	answers := make([]Answer, len(parents))
	if o.park() {
		defer o.unpark()
	}
	concurrently(len(parents), func(i int) {
		scope := rest.Scope(ctx, args)
		scope.This = parents[i]
		answers[i].Value, answers[i].Err = o.upstreams.do(ctx, f.Call, &scope)
	})
	return answers
}

// keyed loads by the keys that the parents carry. A parent without a key has no answer, and no call is made for it.
func (o *Operation) keyed(ctx context.Context, f *call.Field, args map[string]any, parents []view.Value) ([]Answer, error) {
	w := newWanted(len(parents))
	for i, parent := range parents {
		w.add(i, parent.At(f.Call.Key))
	}
	g, err := o.group(f, args)
	if err != nil {
		return nil, err
	}
	answers, err := o.collect(ctx, g, &w)
	if err == nil && f.List {
		for i := range answers {
			if answers[i].Err == nil && answers[i].Value.IsNull() {
				answers[i].Grouped = true // no items: an empty list, not null
			}
		}
	}
	return answers, err
}

// refs loads entities by the keys that the @ref template gives.
func (o *Operation) refs(ctx context.Context, f *call.Field, args map[string]any, parents []view.Value) ([]Answer, error) {
	w := newWanted(len(parents))
	scope := rest.Scope(ctx, args)
	for i, parent := range parents {
		scope.This = parent
		from := len(w.keys)
		keys, list, err := f.Ref.Key.AppendKeys(w.keys, &scope, &w.ring)
		if err == nil && list && !f.List {
			err = fail.New(fail.UpstreamInvalidResponse, "Expected one key, but got a list.")
		}
		if err != nil {
			keys = keys[:from]
		}
		w.spans[i] = span{from: from, n: len(keys) - from, list: list, err: err}
		w.keys = keys
	}
	g, err := o.group(f, nil)
	if err != nil {
		return nil, err
	}
	return o.collect(ctx, g, &w)
}

// wanted are the keys of all parents in a row, and which of them are whose.
type wanted struct {
	keys  []key
	spans []span
	ring  template.Keyring
}

// newWanted has room for a key for each of n parents.
func newWanted(n int) wanted {
	return wanted{keys: make([]key, 0, n), spans: make([]span, n)}
}

type span struct {
	from, n int
	list    bool // the parent wants a list of all its keys' values
	err     error
}

// add notes the key in v as the one of parent i.
func (w *wanted) add(i int, v view.Value) {
	w.spans[i].from = len(w.keys)
	if v.IsNull() {
		return
	}
	key, err := w.ring.KeyOf(v)
	if err != nil {
		w.spans[i].err = err
		return
	}
	w.spans[i].n = 1
	w.keys = append(w.keys, key)
}

// collect loads the keys and gives each parent its answer.
func (o *Operation) collect(ctx context.Context, g *group, w *wanted) ([]Answer, error) {
	var entries []*entry
	if len(w.keys) > 0 {
		var err error
		if entries, err = o.load(ctx, g, w.keys); err != nil {
			return nil, err
		}
	}
	answers := make([]Answer, len(w.spans))
	for i, s := range w.spans {
		switch {
		case s.err != nil:
			answers[i].Err = s.err
		case s.list:
			answers[i].Grouped = true
			for _, e := range entries[s.from : s.from+s.n] {
				answers[i].Items = append(answers[i].Items, Item{Value: e.answer.Value, Err: e.answer.Err})
			}
		case s.n == 1:
			answers[i] = entries[s.from].answer
		}
	}
	return answers, nil
}

// fieldArgs are the arguments of the field that is being resolved.
func fieldArgs(ctx context.Context) map[string]any {
	fc := graphql.GetFieldContext(ctx)
	if fc == nil || fc.Field.Field == nil || len(fc.Field.Arguments)+len(fc.Field.Definition.Arguments) == 0 {
		return nil
	}
	o := From(ctx)
	if o == nil {
		return nil
	}
	return call.Args(o.upstreams.graph.Schema, fc.Field.Field, graphql.GetOperationContext(ctx).Variables)
}

func errNoOperation(op string) error {
	return &fail.Error{Kind: fail.Internal, Op: op, Err: errors.New("no loaders in the context; use loader.Extension")}
}

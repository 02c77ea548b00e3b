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

// few is how many keys there is room for from the beginning.
const few = 16

// answers are what the parents of a field got. Parents share keys, and keys their answers: nothing is kept by parent but
// which keys it has.
type answers struct {
	own     []Answer // by parent, where each has an answer of its own; what follows is empty then
	ring    template.Keyring
	entries []*entry // by the places in ring
	places  []int32  // in ring, of all parents in a row
	ends    []int32  // by parent, where its places end
	lists   []bool   // by parent, whether it wants a list of all its keys' values; nil when nobody does
	errs    []error  // by parent; nil when there are none
	// empty says that a parent without items has an empty list, and not null.
	empty bool
}

func newAnswers(parents int) *answers {
	places := make([]int32, 2*parents)
	a := &answers{places: places[:0:parents], ends: places[parents:]}
	a.ring.Grow(min(parents, few))
	return a
}

// of is what parent i got.
func (a *answers) of(i int) Answer {
	if a.own != nil {
		return a.own[i]
	}
	if a.errs != nil && a.errs[i] != nil {
		return Answer{Err: a.errs[i]}
	}
	from := int32(0)
	if i > 0 {
		from = a.ends[i-1]
	}
	places := a.places[from:a.ends[i]]
	var got Answer
	switch {
	case a.lists != nil && a.lists[i]:
		got.Grouped = true
		got.Items = make([]Item, len(places))
		for j, place := range places {
			got.Items[j] = Item{Value: a.entries[place].answer.Value, Err: a.entries[place].answer.Err}
		}
	case len(places) == 1:
		got = a.entries[places[0]].answer
	}
	if a.empty && got.Err == nil && got.Value.IsNull() {
		got.Grouped = true
	}
	return got
}

// shared is the place of parent i's only key, when its answer is just what that key's is.
func (a *answers) shared(i int) (place int32, ok bool) {
	if a.own != nil || a.errs != nil && a.errs[i] != nil || a.lists != nil && a.lists[i] {
		return 0, false
	}
	from := int32(0)
	if i > 0 {
		from = a.ends[i-1]
	}
	if a.ends[i] != from+1 {
		return 0, false
	}
	return a.places[from], true
}

// end notes that the places of parent i are complete.
func (a *answers) end(i int) { a.ends[i] = int32(len(a.places)) }

func (a *answers) fail(i int, err error) {
	if a.errs == nil {
		a.errs = make([]error, len(a.ends))
	}
	a.errs[i] = err
}

func (a *answers) list(i int) {
	if a.lists == nil {
		a.lists = make([]bool, len(a.ends))
	}
	a.lists[i] = true
}

// answer gives one answer per parent. The error is one of all parents.
func (o *Operation) answer(ctx context.Context, f *field, args map[string]any, parents int, parent func(i int) view.Value) (*answers, error) {
	switch {
	case f.Ref != nil:
		return o.refs(ctx, f, args, parents, parent)
	case f.Call.Keying != call.Unkeyed:
		return o.keyed(ctx, f, args, parents, parent)
	default:
		return o.unkeyed(ctx, f, args, parents, parent), nil
	}
}

// unkeyed makes the call once per parent.
func (o *Operation) unkeyed(ctx context.Context, f *field, args map[string]any, parents int, parent func(i int) view.Value) *answers {
	all := &answers{own: make([]Answer, parents)}
	o.park()
	defer o.unpark()
	concurrently(parents, func(i int) {
		scope := rest.Scope(ctx, args)
		scope.This = parent(i)
		all.own[i].Value, all.own[i].Err = o.do(ctx, f.Call, &scope)
	})
	return all
}

// keyed loads by the keys that the parents carry. A parent without a key has no answer, and no call is made for it.
func (o *Operation) keyed(ctx context.Context, f *field, args map[string]any, parents int, parent func(i int) view.Value) (*answers, error) {
	all := newAnswers(parents)
	all.empty = f.List
	for i := range parents {
		if v := parent(i).At(f.Call.Key); !v.IsNull() {
			place, err := all.ring.AddValue(v)
			if err != nil {
				all.fail(i, err)
			} else {
				all.places = append(all.places, place)
			}
		}
		all.end(i)
	}
	g, err := o.group(f, args)
	if err != nil {
		return nil, err
	}
	return all, o.collect(ctx, g, all)
}

// refs loads entities by the keys that the @ref template gives.
func (o *Operation) refs(ctx context.Context, f *field, args map[string]any, parents int, parent func(i int) view.Value) (*answers, error) {
	all := newAnswers(parents)
	scope := rest.Scope(ctx, args)
	for i := range parents {
		scope.This = parent(i)
		from, known := len(all.places), all.ring.Len()
		places, list, err := f.Ref.Key.AppendKeys(all.places, &scope, &all.ring)
		if f.given && err == nil {
			err = o.spend(all.ring.Len() - known)
		}
		if err == nil && list && !f.List {
			err = fail.New(fail.UpstreamInvalidResponse, "Expected one key, but got a list.")
		}
		if err != nil {
			places = places[:from]
			all.ring.Cut(known)
			all.fail(i, err)
		}
		if list {
			all.list(i)
		}
		all.places = places
		all.end(i)
	}
	g, err := o.group(f, nil)
	if err != nil {
		return nil, err
	}
	return all, o.collect(ctx, g, all)
}

// collect loads the keys.
func (o *Operation) collect(ctx context.Context, g *group, all *answers) (err error) {
	if all.ring.Len() > 0 {
		all.entries, err = o.load(ctx, g, all.ring.Keys())
	}
	return err
}

// argsOf are the arguments of the field that is being resolved.
func (o *Operation) argsOf(ctx context.Context, f *field) map[string]any {
	if !f.args {
		return nil
	}
	fc := graphql.GetFieldContext(ctx)
	if fc == nil || fc.Field.Field == nil || len(fc.Field.Arguments)+len(fc.Field.Definition.Arguments) == 0 {
		return nil
	}
	return call.Args(o.upstreams.graph.Schema, fc.Field.Field, graphql.GetOperationContext(ctx).Variables)
}

func errNoOperation(op string) error {
	return &fail.Error{Kind: fail.Internal, Op: op, Err: errors.New("no loaders in the context; use loader.Extension")}
}

package loader

import (
	"cmp"
	"context"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/call"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/reuse"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// WithAnswers has what batches bring kept key by key, by the cache of each service. Services without one keep nothing.
func WithAnswers(caches map[string]*reuse.Cache) Option {
	return func(u *Upstreams) {
		u.keepers = map[*call.Call]*keeper{}
		add := func(made *reuse.Call, calls ...*call.Call) {
			for _, c := range calls {
				if c == nil || caches[c.Service] == nil {
					continue
				}
				u.keepers[c] = &keeper{call: made}
				if cache := caches[c.Service]; cache.Keeping(made) {
					u.keepers[c].cache = cache
				}
			}
		}
		for coordinate, f := range u.graph.Fields {
			if f.Call == nil {
				continue
			}
			parent, _, _ := strings.Cut(coordinate, ".")
			mutation := u.graph.Schema.Mutation
			made := &reuse.Call{Coordinate: coordinate, Rule: f.Call.Cache, Reads: mutation == nil || parent != mutation.Name}
			made.Tags = tagsOf(u.graph, f.Definition.Type, "")
			add(made, f.Call)
		}
		for typ, e := range u.graph.Entities {
			rule := reuse.Rule{}
			if c := cmp.Or(e.One, e.Many); c != nil {
				rule = c.Cache // they say the same
			}
			own := typ // batches are kept by key, each item with its own id as a tag
			if e.Many == nil {
				own = ""
			}
			tags := tagsOf(u.graph, ast.NamedType(typ, nil), own)
			add(&reuse.Call{Coordinate: typ, Rule: rule, Reads: true, Tags: tags}, e.One, e.Many)
		}
	}
}

// keeper keeps what a call brings.
type keeper struct {
	call  *reuse.Call
	cache *reuse.Cache // nil when nothing of the call is kept
}

// keeping is what is kept for the keys of one fetch.
type keeping struct {
	lookup *reuse.Lookup
	places map[string]int // by key
}

// sample is the key of the request that stands for all keys of a group.
var sample = []key{{Text: "0"}}

// look looks for what is kept for keys, or is ready to keep something. It's nil when it can't.
func (f *fetcher) look(ctx context.Context, keys []key, lookup func(reuse.Scope, []string) *reuse.Lookup) *keeping {
	scope := f.scope
	scope.Keys = sample
	request, err := f.operation.upstreams.services[f.many.Service].Request(ctx, &f.many.Request, &scope)
	if err != nil {
		return nil // the real one tells
	}
	within, err := f.keeper.cache.Scope(f.keeper.call, request)
	if err != nil {
		return nil
	}
	k := &keeping{places: make(map[string]int, len(keys))}
	texts := make([]string, len(keys))
	for i, key := range keys {
		texts[i] = key.Text
		k.places[key.Text] = i
	}
	k.lookup = lookup(within, texts)
	return k
}

// kept gives what is kept for keys, nil when nobody keeps anything, or nobody has so far. Its fetcher is the one to ask for
// the others.
func (f *fetcher) kept(ctx context.Context, keys []key) *keeping {
	if f.keeper == nil || !f.keeper.cache.Looking(f.keeper.call) {
		return nil
	}
	return f.look(ctx, keys, func(s reuse.Scope, texts []string) *reuse.Lookup { return f.keeper.cache.Lookup(ctx, s, texts) })
}

// fetch gives an answer per key, in their order: what is kept, and of the service the others.
func (f *fetcher) fetch(ctx context.Context, keys []key) []Answer {
	k := f.kept(ctx, keys)
	if k == nil {
		return f.ask(ctx, keys)
	}
	asking := *f
	asking.keeping = k
	stand := make([][]byte, len(keys))
	for i := range keys {
		stand[i] = k.lookup.Found[i].JSON
	}
	answers := make([]Answer, len(keys))
	own := make([]bool, len(keys)) // the service's own answer of now
	if missing := k.lookup.Missing; len(missing) > 0 {
		for j, a := range asking.ask(ctx, pick(keys, missing)) {
			i := missing[j]
			own[i] = true
			if a.Err != nil {
				if json, ok := k.lookup.OnError(ctx, i, a.Err); ok {
					stand[i], own[i] = json, false
					continue
				}
			}
			answers[i] = a
		}
	}
	k.lookup.Renew(ctx, func(ctx context.Context, places []int) {
		behind := asking
		behind.keep = nil // the operation's memory may be somebody else's by then
		behind.ask(ctx, pick(keys, places))
	})
	return f.read(answers, own, stand)
}

// read makes answers of kept JSON, where there is none of the service.
func (f *fetcher) read(answers []Answer, own []bool, stand [][]byte) []Answer {
	text := []byte{'['}
	for i, json := range stand {
		if i > 0 {
			text = append(text, ',')
		}
		if own[i] || json == nil {
			text = append(text, "null"...)
		} else {
			text = append(text, json...)
		}
	}
	document, err := view.Parse(append(text, ']'))
	for i := range answers {
		switch {
		case own[i]:
			continue
		case err != nil:
			answers[i].Err = fail.Wrap(fail.Internal, f.many.Coordinate, err)
			continue
		case f.list:
			answers[i].Grouped = true
		}
	}
	if err != nil {
		return answers
	}
	for i, v := range document.Root().Elems() {
		a := &answers[i]
		switch {
		case own[i]:
		case f.list:
			for _, item := range v.Elems() {
				a.Items = append(a.Items, Item{Value: item})
			}
		default:
			a.Value = v
		}
		if !own[i] && f.many.NotFoundIsError && a.Value.IsNull() && len(a.Items) == 0 {
			a.Err = notFound(f.many)
		}
	}
	return answers
}

// do makes one request of a call for keys, and keeps what it brings.
func (f *fetcher) do(ctx context.Context, c *call.Call, scope *template.Scope, keys []key, read func(view.Value) []Answer) ([]Answer, error) {
	if f.keeper == nil {
		value, err := f.operation.doWith(ctx, c, scope, f.keep)
		if err != nil {
			return nil, err
		}
		return read(value), nil
	}
	x := f.keeper.cache.Begin(ctx, f.keeper.call)
	if f.keeping != nil {
		f.keeping.lookup.Revalidate(x, f.keeping.of(keys))
	}
	value, err := f.operation.upstreams.services[c.Service].Do(x, &c.Request, scope, f.keep)
	var all []Answer
	switch {
	case err == nil:
		all = read(value)
	case x.Confirmed():
		all = f.confirmed(keys)
	case len(keys) == 1 && fail.KindOf(err) == fail.NotFound: // that's known then
		f.store(ctx, x, keys, []Answer{{Err: err}})
		return nil, err
	default:
		return nil, err
	}
	f.store(ctx, x, keys, all)
	return all, nil
}

// of are the places of keys.
func (k *keeping) of(keys []key) []int {
	places := make([]int, len(keys))
	for i, key := range keys {
		places[i] = k.places[key.Text]
	}
	return places
}

// confirmed is what is kept for keys, of which the service says that it still holds.
func (f *fetcher) confirmed(keys []key) []Answer {
	stand := make([][]byte, len(keys))
	for i, place := range f.keeping.of(keys) {
		stand[i] = f.keeping.lookup.Kept(place)
	}
	return f.read(make([]Answer, len(keys)), make([]bool, len(keys)), stand)
}

// store keeps what an exchange brought, and forgets what it has shown not to hold any more.
func (f *fetcher) store(ctx context.Context, x *reuse.Exchange, keys []key, all []Answer) {
	k := f.keeping
	if k == nil && x.Keeps() { // nothing was to be expected
		k = f.look(ctx, keys, f.keeper.cache.Blind)
	}
	if k == nil {
		return
	}
	for i, key := range keys {
		place := k.places[key.Text]
		if json, ok := f.json(all[i]); ok {
			var tags []string
			if f.entity != "" {
				tags = append(tags, store.EntityTag(f.entity, key.Text))
			}
			if len(keys) == 1 && x.Keeps() {
				tags = append(tags, x.Tag())
			}
			k.lookup.Keep(ctx, x, place, json, tags...)
			k.lookup.Forget(x, place)
		}
	}
}

// json is an answer as it's kept: nil when nothing is there. It's false for an error.
func (f *fetcher) json(a Answer) ([]byte, bool) {
	switch {
	case a.Err != nil:
		return nil, fail.KindOf(a.Err) == fail.NotFound
	case a.Grouped && len(a.Items) > 0:
		text := []byte{'['}
		for i, item := range a.Items {
			if i > 0 {
				text = append(text, ',')
			}
			text = append(text, item.Value.Raw()...)
		}
		return append(text, ']'), true
	case a.Value.IsNull():
		return nil, true
	default:
		return a.Value.Raw(), true
	}
}

func pick(keys []key, places []int) []key {
	some := make([]key, len(places))
	for i, place := range places {
		some[i] = keys[place]
	}
	return some
}

// doWith makes one request of a call.
func (o *Operation) doWith(ctx context.Context, c *call.Call, scope *template.Scope, keep *rest.Kept) (view.Value, error) {
	if k := o.upstreams.keepers[c]; k != nil {
		ctx = reuse.WithCall(ctx, k.call)
	}
	return o.upstreams.services[c.Service].Do(ctx, &c.Request, scope, keep)
}

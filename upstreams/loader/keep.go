package loader

import (
	"context"
	"strings"

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
		u.caches = caches
		u.calls = map[*call.Call]*reuse.Call{}
		for coordinate, f := range u.graph.Fields {
			if f.Call == nil {
				continue
			}
			parent, _, _ := strings.Cut(coordinate, ".")
			mutation := u.graph.Schema.Mutation
			made := &reuse.Call{Coordinate: coordinate, Reads: mutation == nil || parent != mutation.Name}
			typ := f.Definition.Type.Name()
			made.Tags = append(made.Tags, store.TypeTag(typ))
			if f.List {
				made.Tags = append(made.Tags, store.ListTag(typ))
			}
			u.calls[f.Call] = made
		}
		for typ, e := range u.graph.Entities {
			for _, c := range []*call.Call{e.One, e.Many} {
				if c != nil {
					u.calls[c] = &reuse.Call{Coordinate: typ, Reads: true, Tags: []string{store.TypeTag(typ)}}
				}
			}
		}
	}
}

// keeping is what is kept for the keys of one fetch.
type keeping struct {
	cache  *reuse.Cache
	lookup *reuse.Lookup
	places map[string]int // by key
}

// sample is the key of the request that stands for all keys of a group.
var sample = []key{{Text: "0"}}

// kept gives what is kept for keys, nil when nobody keeps anything. Its fetcher is the one to ask for the others.
func (f *fetcher) kept(ctx context.Context, keys []key) *keeping {
	u := f.operation.upstreams
	if f.many == nil || u.caches[f.many.Service] == nil {
		return nil
	}
	k := &keeping{cache: u.caches[f.many.Service], places: make(map[string]int, len(keys))}
	scope := f.scope
	scope.Keys = sample
	request, err := u.services[f.many.Service].Request(ctx, &f.many.Request, &scope)
	if err != nil {
		return nil // the real one tells
	}
	within, err := k.cache.Scope(u.calls[f.many], request)
	if err != nil {
		return nil
	}
	texts := make([]string, len(keys))
	for i, key := range keys {
		texts[i] = key.Text
		k.places[key.Text] = i
	}
	k.lookup = k.cache.Lookup(ctx, within, texts)
	return k
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
	var x *reuse.Exchange
	if f.keeping != nil {
		ctx, x = f.keeping.cache.Begin(ctx)
	}
	value, err := f.operation.doWith(ctx, c, scope, f.keep)
	if err != nil {
		return nil, err
	}
	all := read(value)
	if f.keeping == nil {
		return all, nil
	}
	for i, k := range keys {
		place := f.keeping.places[k.Text]
		if json, ok := f.json(all[i]); ok {
			var tags []string
			if f.entity != "" {
				tags = []string{store.EntityTag(f.entity, k.Text)}
			}
			f.keeping.lookup.Keep(ctx, x, place, json, tags...)
			f.keeping.lookup.Forget(x, place)
		}
	}
	return all, nil
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
	if known := o.upstreams.calls[c]; known != nil {
		ctx = reuse.WithCall(ctx, known)
	}
	return o.upstreams.services[c.Service].Do(ctx, &c.Request, scope, keep)
}

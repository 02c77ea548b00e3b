package nasty

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/engine/internal/nasty/graph"
	"github.com/tributary-gateway/tributary/gateway/engine/internal/nasty/model"
	"github.com/tributary-gateway/tributary/gateway/scalar"
)

// Config is the project's, ready for NewExecutableSchema and Bindings.
func Config() graph.Config {
	c := graph.Config{Resolvers: &root{}}
	c.Directives.Upper = func(ctx context.Context, _ any, next graphql.Resolver) (any, error) {
		res, err := next(ctx)
		if s, ok := res.(*string); ok && s != nil && strings.HasSuffix(*s, "7") {
			return nil, errors.New("sevens stay small")
		}
		if s, ok := res.(*string); ok && s != nil {
			up := strings.ToUpper(*s)
			return &up, err
		}
		return res, err
	}
	return c
}

type root struct{ bumped atomic.Int32 }

func (r *root) Query() graph.QueryResolver               { return query{} }
func (r *root) Mutation() graph.MutationResolver         { return mutation{r} }
func (r *root) Subscription() graph.SubscriptionResolver { return subscription{} }
func (r *root) Cat() graph.CatResolver                   { return cat{} }
func (r *root) Crate() graph.CrateResolver               { return crate{} }
func (r *root) Home() graph.HomeResolver                 { return home{} }
func (r *root) Human() graph.HumanResolver               { return human{} }
func (r *root) Robot() graph.RobotResolver               { return robot{} }

// resolve lets the fate of a field decide.
func resolve[T any](ctx context.Context, key int, field string, value T) (T, error) {
	var zero T
	switch model.FateOf(key, field) {
	case model.Nil:
		return zero, nil
	case model.Fails:
		if key%2 == 0 {
			return zero, &gqlerror.Error{Message: "special", Extensions: map[string]any{"key": key}}
		}
		return zero, model.Fail(key, field)
	case model.Panics:
		panic(fmt.Sprint(field, " of ", key))
	case model.Complains:
		graphql.AddErrorf(ctx, "complaint about %d", key)
		return zero, nil
	default:
		return value, nil
	}
}

// batch is resolve for many, without panics and complaints, which would be about one of them.
func batch[P, T any](objs []*P, field string, key func(*P) int, value func(key int) T) ([]T, error) {
	values := make([]T, len(objs))
	errs := make(graphql.BatchErrorList, len(objs))
	failed := false
	for i, o := range objs {
		if o == nil {
			continue // gqlgen's executor asks for the owners of nobody, too
		}
		k := key(o)
		switch model.FateOf(k, field) {
		case model.Nil:
		case model.Fails, model.Panics, model.Complains:
			errs[i] = model.Fail(k, field)
			if k%2 == 0 {
				errs[i] = &gqlerror.Error{Message: "special", Extensions: map[string]any{"key": k}}
			}
			failed = true
		default:
			values[i] = value(model.Hash(k, field))
		}
	}
	if failed {
		return values, errs
	}
	return values, nil
}

func node(key int) model.Node {
	switch key % 5 {
	case 0:
		return model.Robot{Key: key}
	case 1:
		return &model.Robot{Key: key}
	case 2:
		return model.NewHuman(key)
	case 3:
		return model.NewCrate(key)
	default:
		return model.NewCat(key)
	}
}

func number(id string) int {
	n := 0
	_, _ = fmt.Sscan(id, &n)
	return n
}

type query struct{}

func (query) Cat(ctx context.Context, id *int32) (*model.Cat, error) {
	if id == nil {
		return nil, errors.New("no id")
	}
	return resolve(ctx, int(*id), "cat", model.NewCat(int(*id)))
}

func (query) Must(ctx context.Context, id int32) (*model.Cat, error) {
	return resolve(ctx, int(id), "must", model.NewCat(int(id)))
}

func cats(n, from int) []*model.Cat {
	list := make([]*model.Cat, min(max(n, 0), 5))
	for i := range list {
		if (from+i)%6 > 0 {
			list[i] = model.NewCat(from + i)
		}
	}
	return list
}

func (query) Cats(ctx context.Context, n, from *int32) ([]*model.Cat, error) {
	if n == nil || from == nil {
		return nil, nil
	}
	return resolve(ctx, int(*n+*from), "cats", cats(int(*n), int(*from)))
}

func (query) Strict(ctx context.Context, n int32) ([]*model.Cat, error) {
	return resolve(ctx, int(n), "strict", cats(int(n), 1))
}

func (query) None(context.Context) ([]*model.Cat, error) { return nil, nil }

func (query) Grid(_ context.Context, w, h int32) ([][]model.Pet, error) {
	rows := make([][]model.Pet, min(max(h, 0), 3))
	for y := range rows {
		for x := range min(max(w, 0), 3) {
			switch key := y*10 + int(x); key % 3 {
			case 0:
				rows[y] = append(rows[y], model.NewCat(key))
			default:
				rows[y] = append(rows[y], model.Robot{Key: key})
			}
		}
	}
	return rows, nil
}

func (query) Node(ctx context.Context, id string) (model.Node, error) {
	return resolve(ctx, number(id), "node", node(number(id)))
}

func (query) Sure(ctx context.Context, id string) (model.Node, error) {
	return resolve(ctx, number(id), "sure", node(number(id)))
}

func (query) Nodes(ctx context.Context, ids []string) ([]model.Node, error) {
	var list []model.Node
	for _, id := range ids[:min(len(ids), 4)] {
		if n := number(id); model.FateOf(n, "nodes") == model.Fine {
			list = append(list, node(n))
		} else {
			list = append(list, nil)
		}
	}
	return list, nil
}

func (query) Search(ctx context.Context, filter *model.Filter, colors []model.Color) ([]model.Stuff, error) {
	list := []model.Stuff{}
	for i := range colors {
		list = append(list, node(i*7).(model.Stuff), nil)
	}
	if filter != nil {
		list = append(list, node(int(filter.Min)).(model.Stuff))
	}
	return list, nil
}

func (query) Named(_ context.Context, n int32) ([]model.Named, error) {
	return []model.Named{model.NewCat(int(n)), nil, model.NewHuman(int(n))}, nil
}

func (query) Greet(_ context.Context, name *string, shout *bool) (string, error) {
	text := "hi"
	if name != nil {
		text += " " + *name
	}
	if shout != nil && *shout {
		text += "!"
	}
	return text, nil
}

func (query) Loud(_ context.Context, name string) (*string, error) { return &name, nil }

func (query) Echo(ctx context.Context, i *int32, f *float64, s *string, b *bool, id *string, c *model.Color, l [][]*int32, filter *model.Filter, anything scalar.JSON) (*string, error) {
	text, err := json.Marshal([]any{i, f, s, b, id, c, l, filter, anything})
	return resolve(ctx, len(text), "echo", ptr(string(text)+fmt.Sprint(err)))
}

func ptr[T any](v T) *T { return &v }

func (query) Void(_ context.Context, v *model.Void) (model.Void, error) {
	if v == nil {
		return "", nil
	}
	return *v, nil
}

func (query) Words(ctx context.Context, n *int32) ([]string, error) {
	if n == nil {
		return nil, nil
	}
	return resolve(ctx, int(*n), "words", []string{"a", "\u2028<\"", "\x00"})
}

func (query) Holes(context.Context) ([][]*string, error) {
	s := "s"
	return [][]*string{{&s, nil}, nil, {}}, nil
}

func (query) Ratio(_ context.Context, bad *bool) (float64, error) {
	if bad != nil && *bad {
		return math.NaN(), nil
	}
	return 0.25, nil
}

func (query) Crate(ctx context.Context, seed int32) (*model.Crate, error) {
	return resolve(ctx, int(seed), "crate", model.NewCrate(int(seed)))
}

func (query) Crates(_ context.Context, seed, n int32) ([]*model.Crate, error) {
	var list []*model.Crate
	for i := range min(n, 4) {
		list = append(list, model.NewCrate(int(seed+i)))
	}
	return list, nil
}

func (query) Self(context.Context) (*model.Query, error) { return nil, errors.New("never called") }

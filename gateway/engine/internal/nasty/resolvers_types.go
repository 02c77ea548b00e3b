package nasty

import (
	"context"
	"fmt"

	"github.com/tributary-gateway/tributary/gateway/engine/internal/nasty/model"
)

type mutation struct{ *root }

// Bump adds to a number, and fails for 13.
func (m mutation) Bump(_ context.Context, by int32) (int32, error) {
	if by == 13 {
		return 0, fmt.Errorf("13 after %d", m.bumped.Load())
	}
	return m.bumped.Add(by), nil
}

func (m mutation) Name(ctx context.Context, id int32) (*model.Cat, error) {
	return resolve(ctx, int(id), "named", model.NewCat(int(id)))
}

func (m mutation) Query(context.Context) (*model.Query, error) { return nil, nil }

type subscription struct{}

func (subscription) Count(context.Context) (<-chan int32, error) {
	c := make(chan int32, 1)
	c <- 1
	close(c)
	return c, nil
}

type cat struct{}

func catKey(c *model.Cat) int { return c.Key }

func (cat) Owner(_ context.Context, objs []*model.Cat) ([]*model.Human, error) {
	return batch(objs, "owner", catKey, model.NewHuman)
}

func (cat) Mate(_ context.Context, objs []*model.Cat) ([]*model.Cat, error) {
	return batch(objs, "mate", catKey, model.NewCat)
}

func (cat) Kittens(_ context.Context, objs []*model.Cat, n *int32) ([][]*model.Cat, error) {
	return batch(objs, "kittens", catKey, func(key int) []*model.Cat {
		if n == nil {
			return nil
		}
		return cats(int(min(*n, 2)), key)
	})
}

func (cat) Friends(ctx context.Context, obj *model.Cat) ([]model.Node, error) {
	key := model.Hash(obj.Key, "friends")
	return resolve(ctx, obj.Key, "friends", []model.Node{node(key), nil, node(key + 1)})
}

func (cat) Best(ctx context.Context, obj *model.Cat) (model.Node, error) {
	return resolve(ctx, obj.Key, "best", node(model.Hash(obj.Key, "best")))
}

func (cat) Box(_ context.Context, objs []*model.Cat) ([]*model.Crate, error) {
	return batch(objs, "box", catKey, model.NewCrate)
}

func (cat) Void(ctx context.Context, obj *model.Cat, v *model.Void) (string, error) {
	return resolve(ctx, obj.Key, "void", "v")
}

func (cat) Bags(ctx context.Context, obj *model.Cat) ([]map[string]any, error) {
	return resolve(ctx, obj.Key, "bags", []map[string]any{nil, {"size": int32(obj.Key), "cat": model.NewCat(obj.Key + 1)}, {}})
}

type crate struct{}

func (crate) Owner(_ context.Context, objs []*model.Crate) ([]*model.Human, error) {
	return batch(objs, "owner", (*model.Crate).Key, model.NewHuman)
}

func (crate) Label(ctx context.Context, obj *model.Crate) (*string, error) {
	text := fmt.Sprint("label ", obj.Key())
	return resolve(ctx, obj.Key(), "label", &text)
}

type home struct{}

func (home) Owner(ctx context.Context, obj *model.Home) (*model.Human, error) {
	return resolve(ctx, obj.Key, "owner", model.NewHuman(obj.Key))
}

type human struct{}

func (human) Pets(ctx context.Context, obj *model.Human) ([]model.Pet, error) {
	key := model.Hash(obj.Key, "pets")
	list := []model.Pet{model.NewCat(key), model.Robot{Key: key}}
	if key%5 == 0 {
		list = append(list, nil)
	}
	return resolve(ctx, obj.Key, "pets", list)
}

func (human) Boss(_ context.Context, objs []*model.Human) ([]*model.Human, error) {
	return batch(objs, "boss", func(h *model.Human) int { return h.Key }, model.NewHuman)
}

type robot struct{}

func (robot) Twin(ctx context.Context, obj *model.Robot) (*model.Cat, error) {
	return resolve(ctx, obj.Key, "twin", model.NewCat(obj.Key))
}

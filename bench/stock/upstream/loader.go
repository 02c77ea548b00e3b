package upstream

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/graph-gophers/dataloader/v7"

	"github.com/tributary-gateway/tributary/bench/stock/graph/model"
)

type loaderKey struct{}

// Loaders gives each request a loader of users.
func Loaders(c *Client, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		users := dataloader.NewBatchedLoader(c.batch, dataloader.WithWait[int32, *model.User](time.Millisecond))
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), loaderKey{}, users)))
	})
}

// User gets a user through the request's loader.
func User(ctx context.Context, id int32) (*model.User, error) {
	return ctx.Value(loaderKey{}).(*dataloader.Loader[int32, *model.User]).Load(ctx, id)()
}

func (c *Client) batch(ctx context.Context, ids []int32) []*dataloader.Result[*model.User] {
	results := make([]*dataloader.Result[*model.User], len(ids))
	users, err := c.Users(ctx, ids)
	byID := make(map[int32]*model.User, len(users))
	for _, u := range users {
		byID[u.ID] = u
	}
	for i, id := range ids {
		switch u, ok := byID[id]; {
		case err != nil:
			results[i] = &dataloader.Result[*model.User]{Error: err}
		case !ok:
			results[i] = &dataloader.Result[*model.User]{Error: fmt.Errorf("there is no user %d", id)}
		default:
			results[i] = &dataloader.Result[*model.User]{Data: u}
		}
	}
	return results
}

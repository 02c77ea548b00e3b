// Package upstream is the service as a gqlgen project without Tributary reaches it: net/http, encoding/json, and a
// dataloader for each request. An error of the service is one of the field that asked.
package upstream

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tributary-gateway/tributary/bench/stock/graph/model"
)

// Client calls the service.
type Client struct {
	base string
	http *http.Client
}

// NewClient makes the client of the service at an address, such as http://127.0.0.1:3000.
func NewClient(base string) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 256 // with the default of 2 most of the time would go into new connections
	return &Client{base: base, http: &http.Client{Timeout: 10 * time.Second, Transport: transport}}
}

// Posts gets all posts.
func (c *Client) Posts(ctx context.Context) ([]*model.Post, error) {
	var posts []*model.Post
	return posts, c.get(ctx, "/posts", &posts)
}

// Post gets one post.
func (c *Client) Post(ctx context.Context, id int32) (*model.Post, error) {
	var post model.Post
	return &post, c.get(ctx, "/posts/"+strconv.Itoa(int(id)), &post)
}

// Users gets the users with these ids, in no particular order.
func (c *Client) Users(ctx context.Context, ids []int32) ([]*model.User, error) {
	query := url.Values{}
	for _, id := range ids {
		query.Add("id", strconv.Itoa(int(id)))
	}
	var users []*model.User
	return users, c.get(ctx, "/users?"+query.Encode(), &users)
}

func (c *Client) get(ctx context.Context, target string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+target, nil)
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", target, res.Status)
	}
	return json.NewDecoder(res.Body).Decode(into)
}

package assemble

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/admission"
	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/gateway/identity"
	"github.com/tributary-gateway/tributary/gateway/ratelimit"
	"github.com/tributary-gateway/tributary/gateway/redisconn"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// clients is what a gateway knows of who calls it.
type clients struct {
	redis     redis.UniversalClient // nil without
	identity  *identity.Authenticator
	admission *admission.Admission
}

// openStore makes what several gateways share, and the store of what is kept.
func (g *Gateway) openStore() (err error) {
	cfg := g.config
	if cfg.Redis.Enabled() {
		if g.clients.redis, err = redisconn.New(cfg.Redis, redisconn.Options{Logger: g.logger}); err != nil {
			return fmt.Errorf("redis: %w", err)
		}
	}
	g.answers, err = store.New(cfg.Cache.Store, store.Options{
		Client: g.clients.redis, Prefix: cfg.Redis.WithDefaults().KeyPrefix, Logger: g.logger,
	})
	if err != nil {
		return fmt.Errorf("cache: store: %w", err)
	}
	return nil
}

// openClients makes the parts that know clients.
func (g *Gateway) openClients(schema *ast.Schema) (err error) {
	cfg := g.config
	g.clients.identity, err = identity.New(cfg.Identity, identity.Options{
		Logger: g.logger, Redis: g.clients.redis, Keys: g.keys, Forwarded: cfg.Edge.Forwarded,
	})
	if err != nil {
		return err
	}
	options := admission.Options{Schema: schema, Cost: cfg.Cost, Logger: g.logger}
	if g.clients.redis != nil && len(cfg.Limits.Plans) > 0 {
		full := cfg.Redis.WithDefaults()
		options.Store, err = ratelimit.NewRedis(g.clients.redis, ratelimit.RedisConfig{
			Prefix: full.KeyPrefix, Secret: cfg.Limits.Secret, Timeout: full.Timeout, Lease: cfg.Limits.WithDefaults().Lease,
		})
		if err != nil {
			return fmt.Errorf("limits: %w", err)
		}
	}
	g.clients.admission, err = admission.New(cfg.Limits, options)
	return err
}

// Identify puts the client into the context. It is half of server.Identity.
func (c *clients) Identify(ctx context.Context, r *http.Request) (context.Context, error) {
	client, err := c.identity.Identify(r)
	if err != nil {
		return ctx, err
	}
	return c.admission.Informed(identity.With(ctx, client)), nil
}

// Challenge is the other half.
func (c *clients) Challenge(err error) string { return c.identity.Challenge(err) }

// claims makes the claims of a token what templates look into: {claim.name}.
func claims(all identity.Claims) func(path []string) view.Value {
	return func(path []string) view.Value {
		value, ok := all.Lookup(strings.Join(path, "."))
		if !ok {
			return view.Value{}
		}
		text, err := json.Marshal(value)
		if err != nil {
			return view.Value{}
		}
		document, err := view.Parse(text)
		if err != nil {
			return view.Value{}
		}
		return document.Root()
	}
}

// settling is how long what clients owe may take to be written at the end.
const settling = 5 * time.Second

func (c *clients) close() error {
	var problems []error
	if c.admission != nil {
		ctx, done := context.WithTimeout(context.Background(), settling)
		defer done()
		problems = append(problems, c.admission.Close(ctx))
	}
	if c.identity != nil {
		c.identity.Close()
	}
	if c.redis != nil {
		problems = append(problems, c.redis.Close())
	}
	return errors.Join(problems...)
}

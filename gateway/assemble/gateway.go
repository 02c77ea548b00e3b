package assemble

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/admin"
	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/gateway/documents"
	"github.com/tributary-gateway/tributary/gateway/edge"
	"github.com/tributary-gateway/tributary/gateway/identity"
	"github.com/tributary-gateway/tributary/gateway/server"
)

// Gateway is a server with all that works beside it.
type Gateway struct {
	config    *config.Config
	logger    *slog.Logger
	server    *server.Server
	admin     *admin.Admin // nil when nobody is to look
	upstreams []*upstream
	clients   clients
	answers   *store.Store // what is kept, of services and of whole responses
	caching   *caching
	streams   streams
	edge      *edge.Edge
	documents *documents.Documents
	keys      []identity.Key // that are neither in a file nor in Redis
	begun     time.Time
	// extensions are those that the schema needs, besides the loaders'.
	extensions []graphql.HandlerExtension

	stop       context.CancelFunc // ends what runs in the background
	running    context.Context    //nolint:containedctx // of the background, from New to Close
	background sync.WaitGroup
}

func newGateway(cfg *config.Config, logger *slog.Logger) *Gateway {
	g := &Gateway{config: cfg, logger: logger, begun: time.Now()}
	g.running, g.stop = context.WithCancel(context.Background())
	return g
}

// add begins to watch for a service's instances. A list that stands in the configuration is there when it returns.
func (g *Gateway) add(u *upstream) {
	g.upstreams = append(g.upstreams, u)
	g.background.Go(func() { u.watch(g.running) })
	if u.fixed {
		<-u.found
	}
}

// patience is how long a gateway that was just started isn't ready because it doesn't know all instances. After that it
// serves what it can.
const patience = 10 * time.Second

func (g *Gateway) ready() error {
	if time.Since(g.begun) > patience {
		return nil
	}
	for _, u := range g.upstreams {
		select {
		case <-u.found:
		default:
			return fmt.Errorf("no instance of service %s is known yet", u.name)
		}
	}
	return nil
}

func (g *Gateway) openAdmin() (err error) {
	if g.config.Admin.Listen == "" {
		return nil
	}
	if g.admin, err = admin.New(g.config.Admin, g.logger); err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	g.admin.Report("/upstreams", func() any {
		all := make(map[string]any, len(g.upstreams))
		for _, u := range g.upstreams {
			all[u.name] = u.state()
		}
		return all
	})
	g.admin.Handle("POST /cache/purge", http.HandlerFunc(g.purge))
	g.admin.Report("/process", func() any {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return map[string]any{
			"uptime_seconds": int64(time.Since(g.begun).Seconds()), "goroutines": runtime.NumGoroutine(),
			"heap_bytes": m.HeapAlloc, "garbage_collections": m.NumGC,
			"connections": g.edge.Connections(),
		}
	})
	return nil
}

// Handler answers clients, for those who bring their own listener, as tests do.
func (g *Gateway) Handler() http.Handler { return g.server.Handler() }

// Serve answers clients on the listener, and operators on the address of the configuration's admin section, until ctx ends;
// then it drains and closes the listeners. The error says what couldn't be listened to, or what was cut off.
func (g *Gateway) Serve(ctx context.Context, listener net.Listener) error {
	if g.admin == nil {
		return g.server.Serve(ctx, listener)
	}
	pages, err := new(net.ListenConfig).Listen(ctx, "tcp", g.config.Admin.Listen)
	if err != nil {
		return errors.Join(fmt.Errorf("admin: listen: %w", err), listener.Close())
	}
	g.logger.InfoContext(ctx, "admin", "address", pages.Addr().String())
	// Operators look until everything has drained.
	watching, blind := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- g.admin.Serve(watching, pages) }()
	err = g.server.Serve(ctx, listener)
	blind()
	return errors.Join(err, <-ended)
}

// Close ends what runs in the background and closes connections to services.
func (g *Gateway) Close() {
	g.stop()
	g.background.Wait()
	g.streams.close()
	if g.documents != nil {
		g.documents.Close()
	}
	if g.answers != nil {
		ctx, done := context.WithTimeout(context.Background(), settling)
		defer done()
		if err := g.answers.Close(ctx); err != nil {
			g.logger.Warn("closing", "cause", err)
		}
	}
	if err := g.clients.close(); err != nil {
		g.logger.Warn("closing", "cause", err)
	}
	for _, u := range g.upstreams {
		u.close()
	}
}

// Operators answers those on the admin listener, for those who bring their own. It's nil without one.
func (g *Gateway) Operators() http.Handler {
	if g.admin == nil {
		return nil
	}
	return g.admin
}

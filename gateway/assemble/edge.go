package assemble

import (
	"fmt"

	"github.com/tributary-gateway/tributary/gateway/documents"
	"github.com/tributary-gateway/tributary/gateway/edge"
	"github.com/tributary-gateway/tributary/gateway/server"
)

// openEdge makes what stands between clients and operations, and finds the documents that they name.
func (g *Gateway) openEdge(options *server.Options) (err error) {
	cfg := g.config
	options.Edge, err = edge.New(cfg.Edge, edge.Options{
		TrustedProxies: cfg.Identity.TrustedProxies, MaxBodyBytes: cfg.Server.WithDefaults().MaxBodyBytes, Logger: g.logger,
	})
	if err != nil {
		return fmt.Errorf("edge: %w", err)
	}
	g.documents, err = documents.New(cfg.Documents, documents.Options{
		Redis: g.clients.redis, Prefix: cfg.Redis.WithDefaults().KeyPrefix, Logger: g.logger,
	})
	if err != nil {
		return fmt.Errorf("documents: %w", err)
	}
	g.edge = options.Edge
	options.Documents, options.Plan = g.documents, g.clients.admission.Plan
	options.Uploads, options.Batching = cfg.Uploads, cfg.Batching
	return nil
}

// Package graph is gqlgen's code and its resolvers, written by hand over package upstream.
package graph

import "github.com/tributary-gateway/tributary/bench/stock/upstream"

// Resolver is what the resolvers share.
type Resolver struct {
	Service *upstream.Client
}

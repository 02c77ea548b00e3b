// Package resolvers answers the fields of the benchmarks' graph: declarative ones in one generated line each, greet by
// hand. What a service did wrong is an error of the field that needed it.
package resolvers

// Resolver is what the resolvers share: nothing.
type Resolver struct{}

// Package resolvers answers the fields of the graph.
//
// The *.resolvers.go files have one method per field that isn't a plain property. Those of declarative fields are one
// generated line that names the call; the others are written by hand and stay as they are when code is generated
// again. Helpers stand in files of their own, because gqlgen moves them out of the generated ones.
package resolvers

// Resolver is what the resolvers share. What belongs to one operation, such as its loaders, comes with the context.
type Resolver struct{}

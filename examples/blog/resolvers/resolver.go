// Package resolvers answers the fields of the blog's graph.
//
// Methods of declarative fields are generated and name their call in one line. Post.wordCount and User.openTodos are
// written by hand, and stay as they are when code is generated again. What a service did wrong is an error of the field
// that needed it.
package resolvers

// Resolver is what the resolvers share. What belongs to one operation, such as its loaders, comes with the context.
type Resolver struct{}

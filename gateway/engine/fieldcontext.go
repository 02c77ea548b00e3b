package engine

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// fieldContext is what a resolver gets as context. gqlgen's helpers find a FieldContext in it, with the path up to the
// root, that is only made when somebody looks: most resolvers don't.
type fieldContext struct {
	context.Context

	run    *run
	col    *column
	object int
	made   atomic.Pointer[graphql.FieldContext]
}

// Value has the FieldContext under gqlgen's key.
func (c *fieldContext) Value(key any) any {
	if key == (batchKey{}) && c.col.shared {
		return c
	}
	if key != fieldKey {
		return c.Context.Value(key)
	}
	fc := c.made.Load()
	if fc == nil {
		fc = c.run.fieldOf(c.col, c.object)
		c.made.Store(fc)
	}
	return fc
}

type batchKey struct{}

// BatchPath is the path of the field for the parent at an index of a batch resolver's slice. Under the engine the parents
// come from all lists of a level, so that graphql.BatchPathWithIndex would give a place in the wrong list; elsewhere it's
// what this function gives.
func BatchPath(ctx context.Context, parent int) ast.Path {
	if c, ok := ctx.Value(batchKey{}).(*fieldContext); ok {
		return c.run.fieldOf(c.col, parent).Path()
	}
	return graphql.BatchPathWithIndex(ctx, parent)
}

// fixedContext has a FieldContext that was made before. (graphql.WithFieldContext would give it another parent.)
type fixedContext struct {
	context.Context

	field *graphql.FieldContext
}

// Value has the FieldContext under gqlgen's key.
func (c *fixedContext) Value(key any) any {
	if key == fieldKey {
		return c.field
	}
	return c.Context.Value(key)
}

// fieldKey is the key under which gqlgen looks for the FieldContext. It's of a private type, so we ask what it asks for.
var fieldKey = func() any {
	p := &keyProbe{Context: context.Background()}
	graphql.GetFieldContext(p)
	return p.key
}()

type keyProbe struct {
	context.Context

	key any
}

// Value notes the key.
func (p *keyProbe) Value(key any) any {
	p.key = key
	return nil
}

// fieldOf is the FieldContext of a column for one of its group's objects.
func (r *run) fieldOf(c *column, object int) *graphql.FieldContext {
	parent := r.elementOf(c.group, object)
	args, _ := r.arguments(c)
	c.group.mu.Lock()
	defer c.group.mu.Unlock()
	if c.fields == nil {
		c.fields = make([]*graphql.FieldContext, len(c.group.objs))
	}
	fc := c.fields[object]
	if fc == nil {
		fc = r.newField(c.field, parent)
		if args != nil {
			fc.Args = args.Args
		}
		c.fields[object] = fc
	}
	if fc.Result == nil && c.done.Load() && c.results != nil {
		fc.Result = c.results.at(object, nil)
	}
	return fc
}

// elementOf is the FieldContext above the fields of an object: that of the field that it's the value of, or of its place
// in the list. Only objects with tasks below have one.
func (r *run) elementOf(g *group, object int) *graphql.FieldContext {
	if g.up == nil {
		return r.root
	}
	fc := r.fieldOf(g.up, int(g.parent[object]))
	depth := g.depth()
	if depth == 0 {
		return fc
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.elements == nil {
		g.elements = make([]*graphql.FieldContext, len(g.objs))
	}
	if g.elements[object] == nil {
		index := g.index[object*depth : (object+1)*depth]
		for d, i := range index {
			at := int(i)
			fc = &graphql.FieldContext{Parent: fc, Index: &at, Result: g.up.results.at(int(g.parent[object]), index[:d+1])}
		}
		g.elements[object] = fc
	}
	return g.elements[object]
}

// parentContext is the context in which gqlgen's executor resolves a field of the object.
func (r *run) parentContext(c *column, object int) context.Context {
	return &fixedContext{c.base, r.elementOf(c.group, object)}
}

func (r *run) newField(f *planField, parent *graphql.FieldContext) *graphql.FieldContext {
	return &graphql.FieldContext{
		Parent:     parent,
		Object:     f.object,
		Field:      r.collected(f),
		IsMethod:   f.binding.method,
		IsResolver: f.binding.resolver,
		Child: func(ctx context.Context, field graphql.CollectedField) (*graphql.FieldContext, error) {
			return r.childOf(ctx, f, field)
		},
	}
}

// childOf is the FieldContext that a field selected below f will have, but for its parent.
func (r *run) childOf(ctx context.Context, f *planField, field graphql.CollectedField) (*graphql.FieldContext, error) {
	name := f.typ.Name()
	switch {
	case len(f.children) == 0:
		return nil, fmt.Errorf("field of type %s does not have child fields", name)
	case len(f.children) > 1 || f.children[0].name != name:
		return nil, fmt.Errorf("FieldContext.Child cannot be called on type %s", name)
	}
	binding, ok := f.children[0].binding.fields[field.Name]
	if !ok {
		return nil, fmt.Errorf("no field named %q was found under type %s", field.Name, name)
	}
	child := r.newField(&planField{object: name, binding: binding, typ: field.Definition.Type, merged: field}, nil)
	if binding.args == nil {
		return child, nil
	}
	var err error
	child.Args, err = binding.args(ctx, field.ArgumentMap(r.op.Variables))
	return child, err
}

// arguments are those of one field of the plan, coerced when they are first needed.
type arguments struct {
	once sync.Once
	fc   *graphql.FieldContext // Args only
	err  error
}

// arguments gives the column's arguments in a FieldContext, nil when the field has none.
func (r *run) arguments(c *column) (*graphql.FieldContext, error) {
	if c.field.args == none {
		return nil, nil //nolint:nilnil // a field without arguments
	}
	a := &r.args[c.field.args]
	a.once.Do(func() {
		field := r.collected(c.field)
		// Errors are reported at each object's path; this one only has to be there.
		here := &graphql.FieldContext{Object: c.field.object, Field: field}
		ctx := &fixedContext{c.base, here}
		defer func() {
			if p := recover(); p != nil {
				a.err = r.recovered(ctx, p)
			}
		}()
		args, err := c.field.binding.args(ctx, field.ArgumentMap(r.op.Variables))
		if err != nil {
			a.err = &argumentError{err, field.Arguments}
			return
		}
		a.fc = &graphql.FieldContext{Object: c.field.object, Field: field, Args: args}
	})
	return a.fc, a.err
}

// argumentError is what coercing arguments led to.
type argumentError struct {
	error

	arguments ast.ArgumentList
}

// Package loader answers fields from services, in batches.
//
// A resolver names its field by coordinate and hands over its parents; what is asked of which service is in the
// call.Graph that was made of the schema's directives. Within one operation every key of a call is fetched once, and
// keys that are wanted at the same time travel together, however many fields and lists they come from. Loaders live as
// long as one operation and are never shared between two, because another caller's keys must not travel with this
// one's credentials.
//
// A service that fails is an error of the fields that needed it, key by key where the service tells them apart. The
// package keeps nothing between operations.
package loader

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/call"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// Upstreams are the calls of a schema with the services that answer them. It is made once and used by all operations.
type Upstreams struct {
	graph     *call.Graph
	fields    map[string]*field
	services  map[string]*rest.Client
	batchPath func(ctx context.Context, parent int) ast.Path
	mostKeys  int
	keepers   map[*call.Call]*keeper // of calls whose services have a cache
}

// field is a declarative field.
type field struct {
	*call.Field

	args  bool // it has arguments
	given bool // its keys are arguments
}

// Option changes what New makes.
type Option func(*Upstreams)

// WithBatchPath says where in the response a parent of a batch stands, for executors whose batches span several lists.
// Without it gqlgen's own way counts, which knows batches of one list.
func WithBatchPath(of func(ctx context.Context, parent int) ast.Path) Option {
	return func(u *Upstreams) { u.batchPath = of }
}

// New joins a graph and its services. It is an error when the graph calls a service that isn't there.
func New(graph *call.Graph, services map[string]*rest.Client, options ...Option) (*Upstreams, error) {
	var missing []string
	for name := range graph.Services() {
		if services[name] == nil {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return nil, fmt.Errorf("the schema calls services that aren't configured: %s", strings.Join(missing, ", "))
	}
	u := &Upstreams{
		graph: graph, fields: map[string]*field{}, services: services, batchPath: graphql.BatchPathWithIndex, mostKeys: MostKeys,
	}
	for coordinate, f := range graph.Fields {
		u.fields[coordinate] = &field{Field: f, args: hasArgs(graph.Schema, coordinate), given: f.Ref != nil && f.Ref.Given()}
	}
	for _, option := range options {
		option(u)
	}
	return u, nil
}

// hasArgs tells whether a field has arguments, or nobody knows.
func hasArgs(schema *ast.Schema, coordinate string) bool {
	typeName, name, _ := strings.Cut(coordinate, ".")
	t := schema.Types[typeName]
	if t == nil {
		return true
	}
	f := t.Fields.ForName(name)
	return f == nil || len(f.Arguments) > 0
}

// do makes one request of a call.
func (o *Operation) do(ctx context.Context, c *call.Call, scope *template.Scope) (view.Value, error) {
	return o.doWith(ctx, c, scope, &o.kept)
}

// fieldOf finds the operation and a declarative field of its schema.
func fieldOf(ctx context.Context, coordinate string) (*Operation, *field, error) {
	o := From(ctx)
	if o == nil {
		return nil, nil, errNoOperation(coordinate)
	}
	if f := o.upstreams.fields[coordinate]; f != nil {
		return o, f, nil
	}
	return nil, nil, &fail.Error{Kind: fail.Internal, Op: coordinate,
		Err: errors.New("the schema has no @rest or @ref there; generate the code again")}
}

// group finds or makes the group for keys of a call with its arguments.
func (o *Operation) group(f *field, args map[string]any) (*group, error) {
	if f.Ref != nil {
		return o.groupOf(f.Ref.Entity), nil
	}
	id := groupKey{call: f.Coordinate}
	if len(args) > 0 {
		text, err := json.Marshal(args)
		if err != nil {
			return nil, fail.Wrap(fail.Internal, f.Coordinate, err)
		}
		id.args = string(text)
	}
	made := fetcher{list: f.List, scope: rest.Scope(o.ctx, args)}
	if f.Call.Keying == call.KeyedOne {
		made.one = f.Call
	} else {
		made.many = f.Call
	}
	return o.groupWith(id, made), nil
}

// groupOf finds or makes the group of a type's objects. An entity is the same by whichever field it is reached, and its
// type's templates have no arguments.
func (o *Operation) groupOf(e *call.Entity) *group {
	return o.groupWith(groupKey{call: e.Type}, fetcher{one: e.One, many: e.Many, entity: e.Type, scope: rest.Scope(o.ctx, nil)})
}

func (o *Operation) groupWith(id groupKey, f fetcher) *group {
	o.mu.Lock()
	defer o.mu.Unlock()
	g := o.groups[id]
	if g == nil {
		g = &group{fetcher: f}
		g.operation, g.keep = o, &o.kept
		if f.many != nil {
			if k := o.upstreams.keepers[f.many]; k != nil && k.cache != nil {
				g.keeper = k
			}
		}
		if o.groups == nil {
			o.groups = map[groupKey]*group{}
		}
		o.groups[id] = g
	}
	return g
}

// Extension is the gqlgen extension that gives every operation its loaders.
type Extension struct {
	Upstreams *Upstreams
}

var (
	_ graphql.HandlerExtension     = Extension{}
	_ graphql.OperationInterceptor = Extension{}
	_ graphql.ResponseInterceptor  = Extension{}
)

// ExtensionName is the extension's name in gqlgen.
func (Extension) ExtensionName() string { return "Loaders" }

// Validate reports an Extension without upstreams.
func (e Extension) Validate(graphql.ExecutableSchema) error {
	if e.Upstreams == nil {
		return errors.New("loader.Extension needs Upstreams")
	}
	return nil
}

// InterceptOperation puts a new Operation into the context.
func (e Extension) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	return next(With(ctx, e.Upstreams))
}

// InterceptResponse gives the memory of the services' answers back once the response is written out in its Data, which
// has copies. Where something may still be going on, it's left to the garbage collector: after a deadline or a client that
// hung up, before deferred parts, and with subscriptions. Each event of a subscription has an Operation of its own: what was
// loaded for one isn't kept for the next.
func (e Extension) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	op := graphql.GetOperationContext(ctx).Operation
	subscribed := op != nil && op.Operation == ast.Subscription
	if subscribed {
		ctx = With(ctx, e.Upstreams)
	}
	response := next(ctx)
	if response != nil {
		response.Errors = append(response.Errors, From(ctx).unreported()...)
	}
	if subscribed {
		return response
	}
	if response == nil || response.HasNext != nil || ctx.Err() != nil {
		return response
	}
	if o := From(ctx); o != nil && op != nil {
		o.Release()
	}
	return response
}

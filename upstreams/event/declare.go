package event

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/mistake"
	"github.com/tributary-gateway/tributary/upstreams/call"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// Read reads the sources of a graph's subscription fields: @poll beside @rest, @sse, and @event. The error is
// mistake.List, with every mistake in it. services are the names that gateway.yaml knows; nil when that isn't known.
func Read(graph *call.Graph, services []string) (map[string]*Field, error) {
	r := &reader{graph: graph, services: services, fields: map[string]*Field{}}
	for _, def := range graph.Schema.Types {
		for _, f := range def.Fields {
			r.field(def, f)
		}
	}
	if err := r.problems.Err(); err != nil {
		return nil, err
	}
	return r.fields, nil
}

type reader struct {
	graph    *call.Graph
	services []string
	fields   map[string]*Field
	problems mistake.List
}

// site is a directive on a field.
type site struct {
	coordinate string
	field      *ast.FieldDefinition
	directive  *ast.Directive
}

func (r *reader) wrong(s site, format string, args ...any) {
	r.problems.Add(s.directive.Position, "@"+s.directive.Name+" on "+s.coordinate+": "+format, args...)
}

func (r *reader) field(def *ast.Definition, f *ast.FieldDefinition) {
	var given []site
	for _, d := range f.Directives {
		if d.Name == "poll" || d.Name == "sse" || d.Name == "event" {
			given = append(given, site{def.Name + "." + f.Name, f, d})
		}
	}
	if len(given) == 0 {
		return
	}
	s := given[0]
	switch {
	case def != r.graph.Schema.Subscription:
		r.wrong(s, "only fields of the subscription type have events")
		return
	case len(given) > 1:
		r.wrong(s, "a field has one source, here is @%s too", given[1].directive.Name)
		return
	case s.directive.Name != "poll" && call.Declarative(f):
		r.wrong(s, "the field has @rest or @ref too; keep one")
		return
	}
	before := len(r.problems)
	made := &Field{}
	switch s.directive.Name {
	case "poll":
		made.Poll = r.poll(s)
	case "sse":
		made.Stream = r.stream(s)
	default:
		made.Topic = r.topic(s)
		made.Select = r.pointer(s)
	}
	if len(r.problems) == before {
		r.fields[s.coordinate] = made
	}
}

func (r *reader) poll(s site) *Poll {
	every, err := time.ParseDuration(argument(s.directive, "every"))
	if err != nil || every <= 0 {
		r.wrong(s, `every: %q is no time; write "2s" or "500ms"`, argument(s.directive, "every"))
	}
	declared := r.graph.Fields[s.coordinate]
	if declared == nil || declared.Call == nil {
		r.wrong(s, "nothing says what is polled; add @rest")
		return nil
	}
	if c := declared.Call; c.Method != http.MethodGet && !c.Idempotent {
		r.wrong(s, "%s can't be sent again and again; use get, or say idempotent: true", c.Method)
	}
	return &Poll{Call: declared.Call, Every: every}
}

func (r *reader) stream(s site) *Stream {
	d := &Stream{Service: argument(s.directive, "service"), Type: argument(s.directive, "event"), Select: r.pointer(s)}
	if r.services != nil && !slices.Contains(r.services, d.Service) {
		r.wrong(s, "service %q isn't in gateway.yaml, which has: %s", d.Service, strings.Join(r.services, ", "))
	}
	var err error
	if d.Path, err = template.ParsePath(argument(s.directive, "path")); err != nil {
		r.wrong(s, "path: %s", err)
	} else {
		r.holes(s, "path", d.Path.Placeholders())
	}
	if v := given(s.directive, "query"); v != nil {
		if d.Query, err = template.NewQuery(v); err != nil {
			r.wrong(s, "query: %s", err)
		}
		r.holes(s, "query", d.Query.Placeholders())
	}
	if v := given(s.directive, "headers"); v != nil {
		if d.Headers, err = template.NewHeaders(v); err != nil {
			r.wrong(s, "headers: %s", err)
		}
		r.holes(s, "headers", d.Headers.Placeholders())
	}
	return d
}

func (r *reader) topic(s site) *template.Text {
	text := argument(s.directive, "topic")
	t, err := template.Parse(text)
	if err != nil {
		r.wrong(s, "topic: %s", err)
		return nil
	}
	if text == "" {
		r.wrong(s, `topic is empty; name one, such as "orders:{id}"`)
	}
	r.holes(s, "topic", t.Placeholders())
	for _, hole := range t.Placeholders() {
		if hole.Root == template.Header {
			r.wrong(s, "topic: %s: headers are for the service that forwards them; use an argument or a claim", hole.Text)
		}
	}
	return t
}

// holes checks that there is what placeholders ask for.
func (r *reader) holes(s site, where string, all []template.Placeholder) {
	for _, hole := range all {
		switch hole.Root {
		case template.Arg:
			if s.field.Arguments.ForName(hole.Path[0]) == nil {
				r.wrong(s, "%s: %s: the field has no argument %q", where, hole.Text, hole.Path[0])
			}
		case template.This, template.Key, template.Keys:
			r.wrong(s, "%s: %s: a root field has no parent; use an argument", where, hole.Text)
		}
	}
}

func (r *reader) pointer(s site) view.Pointer {
	p, err := view.ParsePointer(argument(s.directive, "select"))
	if err != nil {
		r.wrong(s, "select: %s", err)
	}
	return p
}

func given(d *ast.Directive, name string) *ast.Value {
	if arg := d.Arguments.ForName(name); arg != nil && arg.Value.Kind != ast.NullValue {
		return arg.Value
	}
	return nil
}

// argument is the text of a directive's argument, "" when it isn't given.
func argument(d *ast.Directive, name string) string {
	if v := given(d, name); v != nil {
		return v.Raw
	}
	return ""
}

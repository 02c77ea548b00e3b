package call

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// site is where a directive stands.
type site struct {
	on        string // coordinate or type name, for messages
	parent    *ast.Definition
	field     *ast.FieldDefinition // nil on a type
	directive *ast.Directive
	result    *ast.Type
	root      bool // the field is one of a root type
}

// methods are the arguments of @rest that hold the path, with the method they mean.
var methods = []string{"get", "post", "put", "patch", "delete"}

// call reads one @rest. It is nil when something is wrong.
func (c *compiler) call(s *site) *Call {
	before := len(c.problems)
	call := &Call{Coordinate: s.on, Service: argument(s.directive, "service"), Max: 100}
	c.service(s, call.Service)
	c.method(s, call)
	holes := c.parts(s, call)
	c.keying(s, call, holes)
	c.batch(s, call)
	c.leftovers(s, call, holes)
	call.Select = c.pointer(s, "select", argument(s.directive, "select"))
	call.Timeout = c.timeout(s)
	if argument(s.directive, "notFound") == "ERROR" {
		call.NotFoundIsError = true
		call.NotFound = rest.NotFoundError
	}
	if len(c.problems) > before {
		return nil
	}
	return call
}

func (c *compiler) wrong(s *site, format string, args ...any) {
	c.problems.add(s.directive.Position, "@"+s.directive.Name+" on "+s.on+": "+format, args...)
}

func (c *compiler) service(s *site, name string) {
	switch {
	case name == "":
		c.wrong(s, "service is empty; name one of gateway.yaml's services")
	case c.services != nil && !slices.Contains(c.services, name):
		c.wrong(s, "service %q isn't in gateway.yaml, which has: %s", name, strings.Join(c.services, ", "))
	}
}

// method reads the one argument that names method and path.
func (c *compiler) method(s *site, call *Call) {
	var given []string
	for _, name := range methods {
		if s.directive.Arguments.ForName(name) == nil {
			continue
		}
		given = append(given, name)
		call.Method = strings.ToUpper(name)
		path, err := template.ParsePath(argument(s.directive, name))
		if err != nil {
			c.wrong(s, "%s: %s", name, err)
		}
		call.Path = path
	}
	if len(given) != 1 {
		c.wrong(s, "it needs exactly one of get, post, put, patch and delete, here are %d", len(given))
	}
}

// parts reads query, headers and body, and gives every placeholder of the call.
func (c *compiler) parts(s *site, call *Call) []template.Placeholder {
	var all []template.Placeholder
	use := func(argument string, holes []template.Placeholder) {
		for _, hole := range holes {
			c.placeholder(s, argument, hole)
		}
		all = append(all, holes...)
	}
	if call.Path != nil {
		use("path", call.Path.Placeholders())
	}
	if v := literal(s.directive, "query"); v != nil {
		query, err := template.NewQuery(v)
		if err != nil {
			c.wrong(s, "query: %s", err)
		}
		call.Query = query
		use("query", query.Placeholders())
	}
	if v := literal(s.directive, "headers"); v != nil {
		headers, err := template.NewHeaders(v)
		if err != nil {
			c.wrong(s, "headers: %s", err)
		}
		call.Headers = headers
		use("headers", headers.Placeholders())
	}
	if v := literal(s.directive, "body"); v != nil {
		if call.Method == http.MethodGet || call.Method == http.MethodDelete {
			c.wrong(s, "body: %s has none; use query", call.Method)
		}
		body, err := template.NewValue(v)
		if err != nil {
			c.wrong(s, "body: %s", err)
		}
		if body != nil {
			call.Body = body
			use("body", body.Placeholders())
		}
	}
	return all
}

// literal is the value of a directive's argument, nil when it isn't given.
func literal(d *ast.Directive, name string) *ast.Value {
	if arg := d.Arguments.ForName(name); arg != nil && arg.Value.Kind != ast.NullValue {
		return arg.Value
	}
	return nil
}

// placeholder checks that there is what a placeholder asks for.
func (c *compiler) placeholder(s *site, where string, hole template.Placeholder) {
	switch {
	case hole.Root == template.Arg && s.field == nil:
		c.wrong(s, "%s: %s: a type has no arguments; use {key} or {keys}", where, hole.Text)
	case hole.Root == template.Arg:
		c.argumentPath(s, where, hole)
	case hole.Root == template.This && (s.field == nil || s.root):
		c.wrong(s, "%s: %s: there is no parent to read it from", where, hole.Text)
	}
}

// argumentPath follows {input.name} through the types of the schema.
func (c *compiler) argumentPath(s *site, where string, hole template.Placeholder) {
	arg := s.field.Arguments.ForName(hole.Path[0])
	if arg == nil {
		var names []string
		for _, a := range s.field.Arguments {
			names = append(names, a.Name)
		}
		known := "it has none"
		if len(names) > 0 {
			known = "it has: " + strings.Join(names, ", ")
		}
		c.wrong(s, "%s: %s: the field has no argument %q (%s); a property of the parent is {this.%s}", where, hole.Text, hole.Path[0], known, hole.Path[0])
		return
	}
	t := arg.Type
	for _, name := range hole.Path[1:] {
		for t.Elem != nil {
			t = t.Elem
			if _, err := strconv.Atoi(name); err == nil {
				break
			}
		}
		if _, err := strconv.Atoi(name); err == nil {
			continue
		}
		def := c.graph.Schema.Types[t.NamedType]
		if def == nil || def.Kind == ast.Scalar {
			return // a JSON scalar may have anything inside
		}
		field := def.Fields.ForName(name)
		if def.Kind != ast.InputObject || field == nil {
			c.wrong(s, "%s: %s: %s has no %q", where, hole.Text, t.NamedType, name)
			return
		}
		t = field.Type
	}
}

// keying finds out how the call depends on keys, and where they come from.
func (c *compiler) keying(s *site, call *Call, holes []template.Placeholder) {
	var one, many, this string
	for _, hole := range holes {
		switch hole.Root {
		case template.Key:
			one = hole.Text
		case template.Keys:
			many = hole.Text
		case template.This:
			this = hole.Text
		}
	}
	switch {
	case one != "" && many != "":
		c.wrong(s, "{key} is for one object and {keys} for many; a call has one of them")
	case many != "":
		call.Keying = KeyedMany
	case one != "":
		call.Keying = KeyedOne
	}
	if call.Keying == Unkeyed {
		return
	}
	if s.root {
		c.wrong(s, "%s: a root field has no parents whose keys could be sent; use an argument, such as {id}", one+many)
	}
	if this != "" {
		c.wrong(s, "%s: a call with %s is shared by parents with the same key; say which property that is with key", this, one+many)
	}
	key := "id"
	if given := argument(s.directive, "key"); given != "" {
		key = given
	}
	call.Key = member(key)
	if strings.HasPrefix(key, "/") {
		call.Key = c.pointer(s, "key", key)
	}
	call.Match = call.Key
}

// batch reads how the answer is given to the keys.
func (c *compiler) batch(s *site, call *Call) {
	v := literal(s.directive, "batch")
	if v == nil {
		return
	}
	if call.Keying != KeyedMany {
		c.wrong(s, "batch: nothing is batched without {keys}")
		return
	}
	for _, child := range v.Children {
		raw := child.Value.Raw
		if child.Value.Kind == ast.NullValue {
			continue
		}
		switch child.Name {
		case "match":
			call.Match = c.pointer(s, "batch.match", raw)
		case "answer":
			call.Answer = map[string]Answer{"LIST": AnswerList, "MAP": AnswerMap, "ORDERED": AnswerOrdered}[raw]
		case "style":
			call.Style = map[string]template.Style{"REPEAT": template.Repeat, "COMMA": template.Comma, "BRACKETS": template.Brackets}[raw]
		case "keyAs":
			call.KeyAs = map[string]template.KeyAs{"AS_IS": template.AsIs, "STRING": template.AsString, "NUMBER": template.AsNumber}[raw]
		case "max":
			n, err := strconv.Atoi(raw)
			if err != nil || n < 1 || n > 10_000 {
				c.wrong(s, "batch.max: %s keys in one request can't be; use 1 to 10000", raw)
				n = 1
			}
			call.Max = n
		}
	}
	if call.Answer != AnswerList && v.Children.ForName("match") != nil {
		c.wrong(s, "batch.match: an answer that is %s isn't matched by a property of its items; drop match, or use answer: LIST", v.Children.ForName("answer").Raw)
	}
}

// leftovers gives the arguments that no template uses their default place: the query, or the body.
func (c *compiler) leftovers(s *site, call *Call, holes []template.Placeholder) {
	if s.field == nil {
		return
	}
	used := map[string]bool{}
	for _, hole := range holes {
		if hole.Root == template.Arg {
			used[hole.Path[0]] = true
		}
	}
	var left []string
	for _, arg := range s.field.Arguments {
		if !used[arg.Name] {
			left = append(left, arg.Name)
		}
	}
	switch {
	case len(left) == 0:
	case call.Method == http.MethodGet || call.Method == http.MethodDelete:
		call.DefaultQuery = left
	case call.Body != nil:
		c.wrong(s, "nothing uses %s: the body is given in full; add {%s} to it", strings.Join(left, ", "), left[0])
	case len(left) == 1 && c.isInput(s.field.Arguments.ForName(left[0]).Type):
		call.BodyArg = left[0]
	default:
		call.DefaultBody = left
	}
}

func (c *compiler) isInput(t *ast.Type) bool {
	def := c.graph.Schema.Types[t.NamedType]
	return def != nil && def.Kind == ast.InputObject
}

func (c *compiler) pointer(s *site, name, text string) view.Pointer {
	p, err := view.ParsePointer(text)
	if err != nil {
		c.wrong(s, "%s: %s", name, err)
	}
	return p
}

func (c *compiler) timeout(s *site) time.Duration {
	text := argument(s.directive, "timeout")
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		c.wrong(s, `timeout: %q is no time; write "250ms" or "2s"`, text)
	}
	return d
}

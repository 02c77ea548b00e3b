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
	if !c.literals(s) {
		return nil
	}
	call := &Call{Coordinate: s.on, Service: argument(s.directive, "service"), Max: 100}
	c.service(s, call.Service)
	c.method(s, call)
	holes := c.parts(s, call)
	call.Select = c.pointer(s, "select", argument(s.directive, "select"))
	call.Timeout = c.timeout(s)
	call.Idempotent = argument(s.directive, "idempotent") == "true"
	if len(c.problems) > before {
		return nil // which arguments and keys are used can't be told
	}
	c.keying(s, call, holes)
	c.batch(s, call)
	c.matched(s, call)
	c.leftovers(s, call, holes)
	c.form(s, call)
	c.cache(s, call)
	call.NotFoundIsError = argument(s.directive, "notFound") == "ERROR"
	if call.NotFoundIsError || call.Keying == KeyedMany {
		call.NotFound = rest.NotFoundError // of a batch, 404 says only that one of its keys has nothing
	}
	if len(c.problems) > before {
		return nil
	}
	return call
}

func (c *compiler) wrong(s *site, format string, args ...any) {
	c.problems.Add(s.directive.Position, "@"+s.directive.Name+" on "+s.on+": "+format, args...)
}

func (c *compiler) service(s *site, name string) {
	switch {
	case name == "":
		c.wrong(s, "service is empty; name one of gateway.yaml's services")
	case c.services != nil && len(c.services) == 0:
		c.wrong(s, "service %q isn't in gateway.yaml, which has no services", name)
	case c.services != nil && !slices.Contains(c.services, name):
		c.wrong(s, "service %q isn't in gateway.yaml, which has: %s", name, strings.Join(c.services, ", "))
	}
}

// method reads the one argument that names method and path.
func (c *compiler) method(s *site, call *Call) {
	var given []string
	for _, name := range methods {
		if literal(s.directive, name) == nil {
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
	switch len(given) {
	case 0:
		c.wrong(s, `it has no path; give one of get, post, put, patch and delete, such as get: "/users/{id}"`)
	case 1:
	default:
		c.wrong(s, "%s are %d paths; a call has one of get, post, put, patch and delete", strings.Join(given, " and "), len(given))
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
		return
	case many != "":
		call.Keying = KeyedMany
	case one != "":
		call.Keying = KeyedOne
	}
	given := literal(s.directive, "key")
	if call.Keying == Unkeyed {
		if given != nil {
			c.wrong(s, "key: nothing uses it without {key} or {keys}; drop it")
		}
		return
	}
	if s.root {
		c.wrong(s, "%s: a root field has no parents whose keys could be sent; use an argument, such as {id}", one+many)
	}
	if name := strings.Trim(one+many, "{}"); s.field != nil && s.field.Arguments.ForName(name) != nil {
		c.wrong(s, "{%s} is never the argument of that name; call the argument something else", name)
	}
	if this != "" {
		c.wrong(s, "%s: a call with %s is shared by parents with the same key; say which property that is with key", this, one+many)
	}
	key := "id"
	if given != nil {
		key = given.Raw
	}
	if key == "" {
		c.wrong(s, `key is empty; name a property, such as "id"`)
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
		c.wrong(s, `batch: nothing is batched without {keys}; drop it, or send the keys, such as query: {id: "{keys}"}`)
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
	if v.Children.ForName("style") != nil && !hasKeys(call.Query.Placeholders()) {
		c.wrong(s, "batch.style is how {keys} are written in a query, and the query has none; drop style")
	}
	if v.Children.ForName("keyAs") != nil && (call.Body == nil || !hasKeys(call.Body.Placeholders())) {
		c.wrong(s, "batch.keyAs is how {keys} are written in a body, and there are none in it; drop keyAs")
	}
	if call.Answer != AnswerList && v.Children.ForName("match") != nil {
		c.wrong(s, "batch.match: an answer that is %s isn't matched by a property of its items; drop match, or use answer: LIST", v.Children.ForName("answer").Raw)
	}
}

func hasKeys(holes []template.Placeholder) bool {
	return slices.ContainsFunc(holes, func(hole template.Placeholder) bool { return hole.Root == template.Keys })
}

// matched refuses lists of what can't carry a key to be matched by.
func (c *compiler) matched(s *site, call *Call) {
	if call.Keying != KeyedMany || call.Answer != AnswerList {
		return
	}
	item := s.result
	if item.Elem != nil {
		item = item.Elem
	}
	def := c.graph.Schema.Types[item.NamedType]
	if item.Elem != nil || def.Kind == ast.Enum || def.Kind == ast.Scalar && def.Name != "JSON" {
		c.wrong(s, "an item of the answer must be an object to carry its key at %s, and %s is none; use batch: {answer: MAP} or {answer: ORDERED}", call.Match, item)
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
		for _, name := range left {
			c.fits(s, "query", template.Placeholder{Path: []string{name}, Text: "{" + name + "}"}, s.field.Arguments.ForName(name).Type)
		}
		call.DefaultQuery = left
	case call.Body != nil:
		c.wrong(s, "nothing uses %s: the body is given in full; add {%s} to it", strings.Join(left, ", "), left[0])
	case len(left) == 1 && c.isInput(s.field.Arguments.ForName(left[0]).Type.NamedType):
		call.BodyArg = left[0]
	default:
		call.DefaultBody = left
	}
}

func (c *compiler) pointer(s *site, name, text string) view.Pointer {
	p, err := view.ParsePointer(text)
	if err != nil {
		c.wrong(s, "%s: %s", name, err)
	}
	return p
}

func (c *compiler) timeout(s *site) time.Duration {
	v := literal(s.directive, "timeout")
	if v == nil {
		return 0
	}
	d, err := time.ParseDuration(v.Raw)
	if err != nil || d <= 0 {
		c.wrong(s, `timeout: %q is no time; write "250ms" or "2s"`, v.Raw)
	}
	return d
}

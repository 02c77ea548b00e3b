package call

import (
	"net/http"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/upstreams/template"
)

// upload is the scalar of files.
const upload = "Upload"

// form checks that the body can be written as it is to be, and that files are only where they can be sent.
func (c *compiler) form(s *site, call *Call) {
	call.Multipart = argument(s.directive, "encoding") == "MULTIPART"
	body := literal(s.directive, "body")
	switch {
	case !call.Multipart:
		c.noFiles(s, call)
		return
	case call.Method == http.MethodGet || call.Method == http.MethodDelete:
		c.wrong(s, "encoding: %s has no body that could be a form; use post, put or patch", call.Method)
	case s.field == nil || s.parent != c.graph.Schema.Mutation:
		c.wrong(s, "encoding: a form with files is sent once and never again, which is for fields of Mutation")
	case call.Idempotent:
		c.wrong(s, "idempotent: a form with files is read as it is sent, and can't be sent again; drop it")
	case body != nil && body.Kind != ast.ObjectValue:
		c.wrong(s, `body: a form has fields; write an object, such as {title: "{title}"}`)
	case body != nil:
		for _, child := range body.Children {
			c.formField(s, child)
		}
	case call.BodyArg == "" && len(call.DefaultBody) == 0:
		c.wrong(s, "encoding: nothing is left for the form; give the field an argument that no template uses, or a body")
	}
	if call.BodyArg != "" {
		call.BodyFields = fieldNames(c.graph.Schema.Types[s.field.Arguments.ForName(call.BodyArg).Type.Name()])
	}
	c.filesElsewhere(s, call)
}

// formField refuses a file in the middle of something else.
func (c *compiler) formField(s *site, child *ast.ChildValue) {
	value, err := template.NewValue(child.Value)
	if err != nil {
		return // told already
	}
	for _, hole := range value.Placeholders() {
		if c.isFile(s, hole) && child.Value.Raw != hole.Text {
			c.wrong(s, "body.%s: %s has a file in it, which is a field of its own; write %s: \"%s\"", child.Name, hole.Text, child.Name, hole.Text)
		}
	}
}

// noFiles refuses files in a call whose body is JSON.
func (c *compiler) noFiles(s *site, call *Call) {
	if s.field == nil {
		return
	}
	var holes []template.Placeholder
	if call.Body != nil {
		holes = call.Body.Placeholders()
	}
	for _, name := range append(append([]string{call.BodyArg}, call.DefaultBody...), call.DefaultQuery...) {
		if name != "" {
			holes = append(holes, template.Placeholder{Root: template.Arg, Path: []string{name}, Text: "{" + name + "}"})
		}
	}
	for _, hole := range holes {
		if c.isFile(s, hole) {
			c.wrong(s, "%s has a file in it, which JSON and queries can't hold; use post with encoding: MULTIPART", hole.Text)
			return
		}
	}
	c.filesElsewhere(s, call)
}

// filesElsewhere refuses files in paths, queries and headers.
func (c *compiler) filesElsewhere(s *site, call *Call) {
	for where, holes := range map[string][]template.Placeholder{
		"path": call.Path.Placeholders(), "query": call.Query.Placeholders(), "headers": call.Headers.Placeholders(),
	} {
		for _, hole := range holes {
			if c.isFile(s, hole) {
				c.wrong(s, "%s: %s has a file in it, which only the body of a form can hold", where, hole.Text)
			}
		}
	}
}

// isFile tells whether a placeholder's value is a file, or may have one in it.
func (c *compiler) isFile(s *site, hole template.Placeholder) bool {
	if hole.Root != template.Arg || s.field == nil || s.field.Arguments.ForName(hole.Path[0]) == nil {
		return false
	}
	before := len(c.problems)
	t := c.argumentType(s, "", hole)
	c.problems = c.problems[:before] // told already
	return t != nil && c.hasFile(t, map[string]bool{})
}

func (c *compiler) hasFile(t *ast.Type, seen map[string]bool) bool {
	name := t.Name()
	def := c.graph.Schema.Types[name]
	if name == upload || def == nil || def.Kind != ast.InputObject || seen[name] {
		return name == upload
	}
	seen[name] = true
	for _, f := range def.Fields {
		if c.hasFile(f.Type, seen) {
			return true
		}
	}
	return false
}

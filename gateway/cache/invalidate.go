package cache

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
)

// invalidation is one @invalidates.
type invalidation struct {
	types []string
	tags  []template
}

// template is a tag with places for arguments: texts and, between them, paths.
type template struct {
	texts []string
	paths [][]string
}

func readInvalidation(schema *ast.Schema, f *ast.FieldDefinition, d *ast.Directive) (invalidation, error) {
	var all invalidation
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	for _, a := range d.Arguments {
		if a.Value == nil || a.Value.Kind == ast.NullValue {
			continue
		}
		values := []*ast.Value{a.Value}
		if a.Value.Kind == ast.ListValue {
			values = values[:0]
			for _, child := range a.Value.Children {
				values = append(values, child.Value)
			}
		}
		for _, v := range values {
			if v.Kind != ast.StringValue && v.Kind != ast.BlockValue || v.Raw == "" {
				wrong("@invalidates(%s: %s): give texts", a.Name, a.Value)
				continue
			}
			switch a.Name {
			case "types":
				if def := schema.Types[v.Raw]; def == nil || !def.IsCompositeType() {
					wrong("@invalidates(types: %q): there is no object, interface or union of this name", v.Raw)
				}
				all.types = append(all.types, v.Raw)
			case "tags":
				t, err := readTemplate(v.Raw, f.Arguments)
				if err != nil {
					wrong("@invalidates(tags: %q): %w", v.Raw, err)
				}
				all.tags = append(all.tags, t)
			default:
				wrong("@invalidates has no %s", a.Name)
			}
		}
	}
	if len(all.types)+len(all.tags) == 0 && len(problems) == 0 {
		wrong("@invalidates: give types or tags")
	}
	return all, errors.Join(problems...)
}

func readTemplate(text string, arguments ast.ArgumentDefinitionList) (template, error) {
	var t template
	for {
		before, rest, placed := strings.Cut(text, "{")
		if strings.Contains(before, "}") {
			return t, errors.New("a } without a {")
		}
		t.texts = append(t.texts, before)
		if !placed {
			return t, nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return t, errors.New("a { without a }")
		}
		path := strings.Split(name, ".")
		if arguments.ForName(path[0]) == nil {
			return t, fmt.Errorf("the field has no argument %q", path[0])
		}
		t.paths = append(t.paths, path)
		text = after
	}
}

// mostTags bounds what the lists in one template's arguments make of it. Beyond, everything is purged.
const mostTags = 1000

// fill makes the tags of a template. A list makes one of each item; null, and what isn't given, makes none.
func (t template) fill(arguments map[string]any) []string {
	tags := []string{t.texts[0]}
	for i, path := range t.paths {
		values := lookUp(arguments, path)
		if len(values)*len(tags) > mostTags {
			return []string{store.All}
		}
		var longer []string
		for _, tag := range tags {
			for _, v := range values {
				longer = append(longer, tag+v+t.texts[i+1])
			}
		}
		tags = longer
	}
	return tags
}

func lookUp(value any, path []string) []string {
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		var all []string
		for _, item := range v {
			all = append(all, lookUp(item, path)...)
		}
		return all
	case map[string]any:
		if len(path) == 0 {
			return nil
		}
		return lookUp(v[path[0]], path[1:])
	case string:
		if len(path) > 0 {
			return nil
		}
		return []string{v}
	case json.Number:
		return []string{v.String()}
	case bool:
		return []string{strconv.FormatBool(v)}
	}
	if text := fmt.Sprint(value); len(path) == 0 {
		return []string{text}
	}
	return nil
}

// Purges are the tags to purge after a mutation: what @invalidates says of its fields, and the entities in their results.
// A result's own object whose id isn't in data is purged by its type. variables are coerced. failed says of a root
// field, by its response name, that it failed itself, which an error whose path is that name alone says; nil says none
// did. An operation that isn't a mutation purges nothing.
func (p *Plan) Purges(variables map[string]any, data []byte, failed func(name string) bool) []string {
	if p.operation.Operation != ast.Mutation || p.rules.schema.Mutation == nil {
		return nil
	}
	given := make(map[string]any, len(variables))
	for _, v := range p.variables {
		if v.given {
			given[v.name] = v.standard
		}
	}
	for name, value := range variables {
		given[name] = value
	}
	all := map[string]bool{}
	p.rootFields(p.operation.SelectionSet, given, map[string]bool{}, func(f *ast.Field) {
		if failed != nil && failed(f.Alias) || f.Definition == nil {
			return
		}
		arguments := f.ArgumentMap(given)
		for _, i := range p.rules.invalidations[f.Name] {
			for _, typ := range i.types {
				for _, tag := range p.rules.TypeTags(typ) {
					all[tag] = true
				}
			}
			for _, t := range i.tags {
				for _, tag := range t.fill(arguments) {
					all[tag] = true
				}
			}
		}
	})
	f := &finder{plan: p, rest: data, found: map[string]bool{}, own: map[string]bool{}}
	if err := f.run(p.root()); err == nil {
		for tag := range f.found {
			if !strings.HasPrefix(tag, "many:") {
				all[tag] = true
			}
		}
		for typ := range f.own {
			all[store.TypeTag(typ)] = true
		}
	}
	tags := make([]string, 0, len(all))
	for tag := range all {
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	return tags
}

// rootFields calls do for every field of the root that the variables let be executed.
func (p *Plan) rootFields(set ast.SelectionSet, variables map[string]any, seen map[string]bool, do func(*ast.Field)) {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			if executed(s.Directives, variables) {
				do(s)
			}
		case *ast.InlineFragment:
			if executed(s.Directives, variables) {
				p.rootFields(s.SelectionSet, variables, seen, do)
			}
		case *ast.FragmentSpread:
			f := p.doc.Fragments.ForName(s.Name)
			if f != nil && !seen[s.Name] && executed(s.Directives, variables) {
				seen[s.Name] = true
				p.rootFields(f.SelectionSet, variables, seen, do)
			}
		}
	}
}

func executed(directives ast.DirectiveList, variables map[string]any) bool {
	for _, d := range directives {
		if d.Name != "skip" && d.Name != "include" {
			continue
		}
		if value, is := d.ArgumentMap(variables)["if"].(bool); is && value == (d.Name == "skip") {
			return false
		}
	}
	return true
}

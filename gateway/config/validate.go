package config

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Validate names every problem at once, as Problems without a place in a file.
func (c *Config) Validate() error {
	if problems := c.problems(); len(problems) > 0 {
		for _, p := range problems {
			p.Source = "configuration"
		}
		return problems
	}
	return nil
}

var serviceName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// problems asks every section that has a Validate method.
func (c *Config) problems() Problems {
	var problems Problems
	if err := validListen(c.Listen); err != nil {
		problems = append(problems, Override{Path: "listen"}.problem(err))
	}
	variables := map[string]string{}
	for _, name := range sortedKeys(c.Services) {
		path := "services." + name
		if !serviceName.MatchString(name) {
			problems = append(problems, &Problem{Path: path, Message: short(name) + " is not a name for a service", Hint: "use letters, digits, _ and -"})
		}
		if other, taken := variables[variableName(name)]; taken {
			problems = append(problems, &Problem{Path: path, Message: fmt.Sprintf("shares its variables %s%s_… with the service %s", servicePrefix, variableName(name), other), Hint: "rename one"})
		}
		variables[variableName(name)] = name
	}
	if c.Uploads.Enabled && c.Edge.CSRF.Disabled {
		problems = append(problems, &Problem{
			Path: "uploads.enabled", Message: "files come as forms, which any page may send in its visitor's name: they need edge.csrf, which is disabled",
		})
	}
	return append(problems, validate(reflect.ValueOf(*c), "")...)
}

// validate walks v and its sections and collects what their Validate methods answer. An error text that begins with
// one of the section's keys, as in "timeout: …" or "timeout is …", is about that key. What a section says of a section
// in it is left out where the inner one speaks for itself.
func validate(v reflect.Value, path string) Problems {
	var problems Problems
	if section := sectionIn(v); section != nil && path != "" {
		inner := innerTexts(v)
		for _, err := range flatten(section.Validate()) {
			if p := problemOf(err, v.Type(), path); p != nil && !inner[err.Error()] {
				problems = append(problems, p)
			}
		}
	}
	switch {
	case isText(v.Type()):
	case v.Kind() == reflect.Pointer && !v.IsNil():
		problems = append(problems, validate(v.Elem(), path)...)
	case v.Kind() == reflect.Struct:
		for _, f := range fieldsOf(v.Type()) {
			problems = append(problems, validate(f.in(v), join(path, f.name))...)
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			problems = append(problems, validate(v.Index(i), fmt.Sprintf("%s[%d]", path, i))...)
		}
	case v.Kind() == reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			problems = append(problems, validate(v.MapIndex(key), join(path, key.String()))...)
		}
	}
	return problems
}

type validator interface{ Validate() error }

// sectionIn is v as something that validates itself, nil when it doesn't or isn't there.
func sectionIn(v reflect.Value) validator {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return nil
	}
	section, _ := v.Interface().(validator)
	return section
}

// innerTexts are what the sections directly in v have to say.
func innerTexts(v reflect.Value) map[string]bool {
	texts := map[string]bool{}
	if v.Kind() != reflect.Struct {
		return texts
	}
	for _, f := range fieldsOf(v.Type()) {
		if section := sectionIn(f.in(v)); section != nil {
			for _, err := range flatten(section.Validate()) {
				texts[err.Error()] = true
			}
		}
	}
	return texts
}

// flatten takes errors.Join apart.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}

// problemOf reads "key: message; hint" or "key is wrong" off err. It returns nil for what an inner section says itself.
func problemOf(err error, section reflect.Type, path string) *Problem {
	p := &Problem{Path: path, Message: err.Error()}
	if i := strings.IndexAny(p.Message, ": "); i > 0 && section.Kind() == reflect.Struct {
		key := p.Message[:i]
		root, _, _ := strings.Cut(strings.ReplaceAll(key, "[", "."), ".")
		for _, f := range fieldsOf(section) {
			if f.name != root {
				continue
			}
			if f.typ.Implements(reflect.TypeFor[validator]()) {
				return nil
			}
			p.Path = join(path, key)
			if after := strings.TrimLeft(p.Message[i:], ": "); !strings.HasPrefix(after, "(") {
				p.Message = after
			}
		}
	}
	p.Message, p.Hint, _ = strings.Cut(p.Message, "; ")
	return p
}

// locate gives problems of whole sections their place: the setting's line, else that of the section around it. It leaves
// out what only follows from a mistake in the same section that is reported already.
func (d *decoder) locate(problems Problems, given map[string]string, known Problems) Problems {
	var located Problems
	for _, p := range problems {
		if slices.ContainsFunc(known, func(k *Problem) bool { return related(p.Path, k.Path) }) {
			continue
		}
		p.Source = d.src.name
		if source, ok := given[p.Path]; ok {
			p.Source = source
			located = append(located, p)
			continue
		}
		for path := p.Path; path != ""; path = parent(path) {
			if at, ok := d.places[path]; ok {
				hide := 0
				if strings.HasPrefix(path, "services.") && strings.Contains(path, ".headers.") {
					hide = at.afterKey()
				}
				p.Line, p.Column, p.Excerpt = at.line, at.column, d.src.excerpt(at, hide)
				break
			}
		}
		located = append(located, p)
	}
	return located
}

// related says whether a problem at path may only be the shadow of one at known.
func related(path, known string) bool {
	if known == "" {
		return true // the file couldn't be read to its end
	}
	return path == known || strings.HasPrefix(path, known+".") || strings.HasPrefix(path, known+"[") || parent(path) == parent(known) && parent(path) != ""
}

func parent(path string) string { return path[:max(strings.LastIndexAny(path, ".["), 0)] }

// byPlace orders problems as a reader of the file meets them; those of other sources come last.
func byPlace(a, b *Problem) int {
	if (a.Line == 0) != (b.Line == 0) {
		return b.Line - a.Line
	}
	if a.Line != b.Line {
		return a.Line - b.Line
	}
	return a.Column - b.Column
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

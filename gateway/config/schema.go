package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

//go:generate go run ./internal/describe descriptions.gen.go
//go:generate go run ./internal/writeschema ../../docs/gateway.schema.json
//go:generate go run ./internal/writereference ../../docs/configuration-reference.md

// variablePattern is how an expansion looks inside any value.
const variablePattern = `\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}`

// JSONSchema is the schema of gateway.yaml for editors, made from Config: its keys are the struct's, its descriptions
// the fields' comments, its defaults those of Default. It ends with a newline.
func JSONSchema() []byte {
	s := schemaOf(reflect.ValueOf(*Default()))
	s.Schema = "https://json-schema.org/draft/2020-12/schema"
	s.Title = "gateway.yaml"
	s.Description = "Configuration of the Tributary gateway. Any value may take a variable of the environment: ${NAME} or ${NAME:-default}."
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(s); err != nil {
		panic(fmt.Sprintf("config: schema: %v", err)) // the types are fixed when compiling
	}
	return out.Bytes()
}

// schemaOf describes v's type; v holds its default.
func schemaOf(v reflect.Value) *jsonschema.Schema {
	t := v.Type()
	if t.Kind() == reflect.Pointer {
		return schemaOf(reflect.Zero(t.Elem()))
	}
	switch {
	case t == durationType:
		return textSchema(`([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+`, "250ms", "2s")
	case isSize(t):
		return textSchema(`[0-9]+ ?(B|KiB|MiB|GiB)`, "64KiB", "8MiB")
	case values(t) != nil:
		s := &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{}, {Type: "string", Pattern: variablePattern}}}
		for _, value := range values(t) {
			s.AnyOf[0].Enum = append(s.AnyOf[0].Enum, value)
		}
		return s
	case isText(t), t.Kind() == reflect.String:
		return &jsonschema.Schema{Type: "string"}
	}
	switch t.Kind() {
	case reflect.Struct:
		if reflect.PointerTo(t).Implements(briefType) {
			return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string"}, sectionSchema(v)}}
		}
		return sectionSchema(v)
	case reflect.Map:
		item := reflect.Zero(t.Elem())
		if t.Elem() == reflect.TypeFor[Service]() {
			item = reflect.ValueOf(DefaultService())
		}
		return &jsonschema.Schema{Types: []string{"object", "null"}, AdditionalProperties: schemaOf(item)}
	case reflect.Slice:
		return &jsonschema.Schema{Types: []string{"array", "null"}, Items: schemaOf(reflect.Zero(t.Elem()))}
	default:
		return numberSchema(t)
	}
}

// textSchema is a text of the pattern, or one that has a variable in it.
func textSchema(pattern string, examples ...any) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: "^" + pattern + "$|" + variablePattern, Examples: examples}
}

// numberSchema is a number or true and false, or a text that is a variable.
func numberSchema(t reflect.Type) *jsonschema.Schema {
	s, err := jsonschema.ForType(t, nil)
	if err != nil {
		panic(fmt.Sprintf("config: schema: %v", err))
	}
	s.Types, s.Type = []string{s.Type, "string"}, ""
	s.Pattern = variablePattern
	return s
}

func sectionSchema(v reflect.Value) *jsonschema.Schema {
	s := &jsonschema.Schema{
		Types:                []string{"object", "null"},
		Properties:           map[string]*jsonschema.Schema{},
		AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
	}
	for _, f := range fieldsOf(v.Type()) {
		value := f.in(v)
		p := schemaOf(value)
		p.Description = describeField(f)
		if f.typ.Kind() != reflect.Struct || isText(f.typ) {
			p.Default = defaultOf(value)
		}
		s.Properties[f.name] = p
		s.PropertyOrder = append(s.PropertyOrder, f.name)
	}
	if v.Type() == reflect.TypeFor[Service]() {
		s.Types, s.Type = nil, "object"
		for _, way := range []string{"url", "instances", "discover"} {
			s.AnyOf = append(s.AnyOf, &jsonschema.Schema{Required: []string{way}})
		}
	}
	return s
}

// defaultOf is the default as it's written in the file, nil when there's none to speak of.
func defaultOf(v reflect.Value) json.RawMessage {
	if v.IsZero() && v.Kind() != reflect.Bool {
		return nil
	}
	value := plain(v)
	if value == nil {
		return nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	return text
}

// describeField is the field's jsonschema tag, else its comment, with the key in place of the Go name.
func describeField(f field) string {
	if tag := f.of.Tag.Get("jsonschema"); tag != "" {
		return tag
	}
	text := descriptions[f.owner.PkgPath()+"."+f.owner.Name()+"."+f.of.Name]
	if rest, ok := strings.CutPrefix(text, f.of.Name+" "); ok {
		return f.name + " " + rest
	}
	return text
}

// Sections lists the struct types the configuration is made of, for the program that collects their comments.
func Sections() []reflect.Type {
	var found []reflect.Type
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		switch {
		case isText(t):
		case t.Kind() == reflect.Pointer, t.Kind() == reflect.Map, t.Kind() == reflect.Slice:
			walk(t.Elem())
		case t.Kind() == reflect.Struct:
			found = append(found, t)
			for _, f := range fieldsOf(t) {
				if f.owner != t {
					found = append(found, f.owner)
				}
				walk(f.typ)
			}
		}
	}
	walk(reflect.TypeFor[Config]())
	return found
}

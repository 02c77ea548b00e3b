package config

import (
	"cmp"
	"encoding"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/agnivade/levenshtein"

	"github.com/tributary-gateway/tributary/gateway/secret"
	"github.com/tributary-gateway/tributary/gateway/telemetry"
)

var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[secret.Text]()
	levelType    = reflect.TypeFor[slog.Level]()
	sizeType     = reflect.TypeFor[Size]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// choice is a text type with a closed set of values; packages give theirs this method.
type choice interface{ Values() []string }

// field is one key of a section.
type field struct {
	name  string
	index []int
	typ   reflect.Type
	// of is the struct's own description of the field, and owner the struct: an embedded one has its keys in the section
	// around it.
	of    reflect.StructField
	owner reflect.Type
}

// in is the field's value in a section.
func (f field) in(section reflect.Value) reflect.Value { return section.FieldByIndex(f.index) }

// brief is a section that may also be written as one text: an instance as its address.
type brief interface{ FromText(text string) error }

var briefType = reflect.TypeFor[brief]()

// fieldsOf lists the keys of a section in the order of its struct. The key is the yaml tag's name, else the json tag's,
// else the field's name in small letters with underscores; a field that is unexported or tagged "-" is no key.
func fieldsOf(t reflect.Type) []field {
	var fields, embedded []field
	for i := range t.NumField() {
		f := t.Field(i)
		tag := cmp.Or(f.Tag.Get("yaml"), f.Tag.Get("json"))
		name, _, _ := strings.Cut(tag, ",")
		if !f.IsExported() || name == "-" {
			continue
		}
		if f.Anonymous && tag == "" {
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				embedded = append(embedded, inner)
			}
			continue
		}
		fields = append(fields, field{name: cmp.Or(name, snake(f.Name)), index: []int{i}, typ: f.Type, of: f, owner: t})
	}
	for _, inner := range embedded { // the section's own keys win, as in Go
		if !slices.ContainsFunc(fields, func(f field) bool { return f.name == inner.name }) {
			fields = append(fields, inner)
		}
	}
	return fields
}

// snake writes a Go name as a key: MaxIdle is max_idle, URLPath is url_path.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) && (!unicode.IsUpper(rune(name[i-1])) || i+1 < len(name) && unicode.IsLower(rune(name[i+1]))) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// isSize says whether an int64 field counts bytes. Sections of packages that can't know Size say so by the type: in
// this configuration int64 is for bytes, int for everything else that is counted.
func isSize(t reflect.Type) bool {
	return t == sizeType || (t.Kind() == reflect.Int64 && t != durationType && !isText(t))
}

// isText says whether t reads itself from text.
func isText(t reflect.Type) bool { return reflect.PointerTo(t).Implements(textType) }

// values returns the closed set of t's values, nil when t is open.
func values(t reflect.Type) []string {
	if t == levelType {
		return telemetry.Level("").Values()
	}
	if c, ok := reflect.Zero(t).Interface().(choice); ok {
		return c.Values()
	}
	return nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// nearest returns the candidate that text was probably meant to be, or "".
func nearest(text string, candidates []string) string {
	best, least := "", len(text)/3+1
	for _, c := range candidates {
		a, b := strings.ToLower(text), strings.ToLower(c)
		if strings.NewReplacer("-", "_").Replace(a) == b || strings.ReplaceAll(b, "_", "") == a {
			return c
		}
		if d := levenshtein.ComputeDistance(a, b); d <= least && d < len(c) && (best == "" || d < least) {
			best, least = c, d
		}
	}
	return best
}

// owners lists the sections, anywhere in the configuration, that have a key called name.
func owners(t reflect.Type, name, path string) []string {
	var found []string
	switch t.Kind() {
	case reflect.Pointer:
		return owners(t.Elem(), name, path)
	case reflect.Map:
		return owners(t.Elem(), name, join(path, "<name>"))
	case reflect.Struct:
		for _, f := range fieldsOf(t) {
			if f.name == name && path != "" {
				found = append(found, path)
			}
			found = append(found, owners(f.typ, name, join(path, f.name))...)
		}
	}
	return slices.Compact(found)
}

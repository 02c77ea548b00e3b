package cache

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
)

// Rules are what a schema says of caching. They don't change.
type Rules struct {
	schema        *ast.Schema
	hash          [sha256.Size]byte
	defaultMaxAge time.Duration
	types         map[string]hint
	fields        map[string]hint // by "Type.field"
	possible      map[string][]string
	invalidations map[string][]invalidation // by the mutation's field
}

type scope int

const (
	unsaid scope = iota
	public
	private
)

// hint is one @cacheControl.
type hint struct {
	maxAge  time.Duration
	hasAge  bool
	scope   scope
	inherit bool
}

// Compile reads a schema. The error names every @cacheControl and @invalidates that makes no sense, with its place.
func Compile(schema *ast.Schema, c Config) (*Rules, error) {
	if schema == nil {
		return nil, errors.New("caching needs a schema")
	}
	r := &Rules{
		schema: schema, defaultMaxAge: c.DefaultMaxAge,
		types: map[string]hint{}, fields: map[string]hint{}, possible: map[string][]string{}, invalidations: map[string][]invalidation{},
	}
	var problems []error
	for _, name := range sortedTypes(schema) {
		def := schema.Types[name]
		if !def.IsCompositeType() {
			continue
		}
		r.possible[name] = nil
		for _, p := range schema.GetPossibleTypes(def) {
			r.possible[name] = append(r.possible[name], p.Name)
		}
		slices.Sort(r.possible[name])
		r.possible[name] = slices.Compact(r.possible[name])
		h, err := readHint(name, def.Directives)
		problems = append(problems, err)
		if h != (hint{}) {
			r.types[name] = h
		}
		for _, f := range def.Fields {
			at := name + "." + f.Name
			h, err := readHint(at, f.Directives)
			problems = append(problems, err)
			if h != (hint{}) {
				r.fields[at] = h
			}
			for _, d := range f.Directives.ForNames("invalidates") {
				if def != schema.Mutation {
					problems = append(problems, fmt.Errorf("%s: @invalidates is for fields of the mutation type", at))
					continue
				}
				i, err := readInvalidation(schema, f, d)
				if err != nil {
					problems = append(problems, fmt.Errorf("%s: %w", at, err))
				}
				r.invalidations[f.Name] = append(r.invalidations[f.Name], i)
			}
		}
	}
	var text strings.Builder
	formatter.NewFormatter(&text, formatter.WithBuiltin()).FormatSchema(schema)
	r.hash = sha256.Sum256([]byte(text.String()))
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return r, nil
}

func sortedTypes(schema *ast.Schema) []string {
	names := make([]string, 0, len(schema.Types))
	for name := range schema.Types {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// readHint reads the @cacheControl at a place. Of several, as by extensions, each says what it says and the last wins.
func readHint(at string, directives ast.DirectiveList) (hint, error) {
	var h hint
	var problems []error
	for _, d := range directives.ForNames("cacheControl") {
		for _, a := range d.Arguments {
			if a.Value == nil || a.Value.Kind == ast.NullValue {
				continue
			}
			switch raw := a.Value.Raw; a.Name {
			case "maxAge":
				n, err := strconv.ParseInt(raw, 10, 32)
				if a.Value.Kind != ast.IntValue || err != nil || n < 0 {
					problems = append(problems, fmt.Errorf("%s: @cacheControl(maxAge: %s): give seconds, 0 or more", at, a.Value))
					continue
				}
				h.maxAge, h.hasAge = time.Duration(n)*time.Second, true
			case "scope":
				switch {
				case a.Value.Kind == ast.EnumValue && raw == "PUBLIC":
					h.scope = public
				case a.Value.Kind == ast.EnumValue && raw == "PRIVATE":
					h.scope = private
				default:
					problems = append(problems, fmt.Errorf("%s: @cacheControl(scope: %s): give PUBLIC or PRIVATE", at, a.Value))
				}
			case "inheritMaxAge":
				if a.Value.Kind != ast.BooleanValue {
					problems = append(problems, fmt.Errorf("%s: @cacheControl(inheritMaxAge: %s): give true or false", at, a.Value))
				}
				h.inherit = raw == "true"
			default:
				problems = append(problems, fmt.Errorf("%s: @cacheControl has no %s", at, a.Name))
			}
		}
	}
	if h.inherit && h.hasAge {
		problems = append(problems, fmt.Errorf("%s: @cacheControl: maxAge and inheritMaxAge say different things; give one", at))
	}
	return h, errors.Join(problems...)
}

// hintOf is the policy that a field of an object type adds to an answer's: that of the type it returns, replaced by its
// own where that says something. without a maxAge nothing is added, and the parent's holds.
func (r *Rules) hintOf(parent string, f *ast.FieldDefinition, root bool) hint {
	var h hint
	inherit := false
	named := r.schema.Types[f.Type.Name()]
	composite := named != nil && named.IsCompositeType()
	if composite {
		h = r.types[named.Name]
		inherit = h.inherit
	}
	own := r.fields[parent+"."+f.Name]
	if own.inherit && !h.hasAge {
		inherit = true
	} else if own.hasAge {
		h.maxAge, h.hasAge = own.maxAge, true
	}
	if own.scope != unsaid {
		h.scope = own.scope
	}
	if !h.hasAge && (composite && !inherit || root) {
		h.maxAge, h.hasAge = r.defaultMaxAge, true
	}
	return h
}

// entity says whether objects of a type have an id.
func (r *Rules) entity(typ string) bool {
	def := r.schema.Types[typ]
	return def != nil && def.Kind == ast.Object && def.Fields.ForName("id") != nil
}

// TypeTags are the tags by which everything of a type is purged: of an interface or union, that of its types too.
func (r *Rules) TypeTags(typ string) []string {
	tags := []string{store.TypeTag(typ)}
	for _, p := range r.possible[typ] {
		if p != typ {
			tags = append(tags, store.TypeTag(p))
		}
	}
	return tags
}

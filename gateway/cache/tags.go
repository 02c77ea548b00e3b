package cache

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
)

// TagsOf are the tags of an answer: type: and list: of what was asked for, T:id of every object whose id is in data, and
// one for all entities of T where an object has no id in data, or where there is none.
func (p *Plan) TagsOf(data []byte) ([]string, error) {
	f := &finder{plan: p, rest: data, found: map[string]bool{}}
	if err := f.run(p.root()); err != nil {
		return nil, err
	}
	tags := slices.Clone(p.tags)
	for tag := range f.found {
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	return tags, nil
}

func (p *Plan) root() string {
	switch p.operation.Operation {
	case ast.Mutation:
		return p.rules.schema.Mutation.Name
	default:
		return p.rules.schema.Query.Name
	}
}

// finder walks an answer's JSON beside the selection that made it, and finds entities. Where the type of an object isn't
// certain, it's all that it can be.
type finder struct {
	plan  *Plan
	rest  []byte
	depth int
	found map[string]bool
	// own, when it isn't nil, gets the types of objects without an id that stand above every other entity.
	own map[string]bool
}

// node is what's asked for of an object.
type node struct {
	types  []string // that it can have, sorted
	fields map[string]*field
}

// field is one member of the object.
type field struct {
	idOf     []string           // of which types it's the id
	typename bool               // or the name of the type
	sets     []ast.SelectionSet // what's asked for of its objects
	types    []string           // that they can have
	node     *node              // made when there is one
}

var errMalformed = errors.New("an answer isn't JSON of the operation")

// deepest is how deep answers are looked into.
const deepest = 200

func (f *finder) run(root string) error {
	n := f.node([]ast.SelectionSet{f.plan.operation.SelectionSet}, []string{root})
	if err := f.value(&field{node: n, types: n.types}, false); err != nil {
		return err
	}
	if f.space(); len(f.rest) > 0 {
		return errMalformed
	}
	return nil
}

// node brings together what several selections ask of an object of these types.
func (f *finder) node(sets []ast.SelectionSet, types []string) *node {
	n := &node{types: types, fields: map[string]*field{}}
	for _, set := range sets {
		f.collect(n, set, types, map[string]bool{})
	}
	return n
}

func (f *finder) collect(n *node, set ast.SelectionSet, types []string, seen map[string]bool) {
	rules := f.plan.rules
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			m := n.fields[s.Alias]
			if m == nil {
				m = &field{}
				n.fields[s.Alias] = m
			}
			if s.Name == "__typename" {
				m.typename = true
				continue
			}
			added := false
			for _, typ := range types {
				def := rules.schema.Types[typ].Fields.ForName(s.Name)
				if def == nil {
					continue
				}
				if s.Name == "id" {
					m.idOf = append(m.idOf, typ)
				}
				if possible := rules.possible[def.Type.Name()]; possible != nil {
					m.types = append(m.types, possible...)
					if !added {
						m.sets, added = append(m.sets, s.SelectionSet), true
					}
				}
			}
			slices.Sort(m.types)
			m.types = slices.Compact(m.types)
		case *ast.InlineFragment:
			inside := types
			if s.TypeCondition != "" {
				inside = common(types, rules.possible[s.TypeCondition])
			}
			if len(inside) > 0 {
				f.collect(n, s.SelectionSet, inside, seen)
			}
		case *ast.FragmentSpread:
			def := f.plan.doc.Fragments.ForName(s.Name)
			if def == nil {
				continue
			}
			inside := common(types, rules.possible[def.TypeCondition])
			key := s.Name + " " + strings.Join(inside, " ")
			if len(inside) > 0 && !seen[key] {
				seen[key] = true
				f.collect(n, def.SelectionSet, inside, seen)
			}
		}
	}
}

// value reads one value: null, a list or an object of what m asks for. Anything else is skipped.
func (f *finder) value(m *field, inside bool) error {
	f.space()
	if len(f.rest) == 0 {
		return errMalformed
	}
	if f.depth++; f.depth > deepest {
		return errMalformed
	}
	defer func() { f.depth-- }()
	switch {
	case len(m.types) == 0:
		return f.skip()
	case f.rest[0] == '[':
		f.rest = f.rest[1:]
		for first := true; ; first = false {
			more, err := f.more(']', first)
			if err != nil || !more {
				return err
			}
			if err := f.value(m, inside); err != nil {
				return err
			}
		}
	case f.rest[0] == '{':
		if m.node == nil {
			m.node = f.node(m.sets, m.types)
		}
		return f.object(m.node, inside)
	default: // null, mostly: what isn't there may be there later
		f.unknown(m.types)
		return f.skip()
	}
}

// object reads an object. inside says that it stands in an entity.
func (f *finder) object(n *node, inside bool) error {
	before := f.rest
	types := n.types
	var id string
	var idOf []string
	// Once for its own members: whether it's an entity is known before what's in it.
	err := f.members(n, func(m *field) (err error) {
		switch {
		case m.typename:
			var name string
			if name, err = f.text(); slices.Contains(n.types, name) {
				types = []string{name}
			}
		case len(m.idOf) > 0:
			id, err = f.text()
			idOf = m.idOf
		default:
			err = f.skip()
		}
		return err
	})
	if err != nil {
		return err
	}
	after := f.rest
	for _, typ := range types {
		switch {
		case !f.plan.rules.entity(typ):
		case id != "" && slices.Contains(idOf, typ):
			f.found[store.EntityTag(typ, id)] = true
			inside = true
		default:
			f.unknown([]string{typ})
			if f.own != nil && !inside {
				f.own[typ] = true
			}
			inside = true
		}
	}
	f.rest = before
	if err := f.members(n, func(m *field) error { return f.value(m, inside) }); err != nil {
		return err
	}
	f.rest = after
	return nil
}

// nobodys is a member that nobody asked for.
var nobodys = &field{}

// members calls read for the value of each member of an object, which read has to pass.
func (f *finder) members(n *node, read func(m *field) error) error {
	f.rest = f.rest[1:]
	for first := true; ; first = false {
		more, err := f.more('}', first)
		if err != nil || !more {
			return err
		}
		m, err := f.member(n)
		if err != nil {
			return err
		}
		if m == nil {
			m = nobodys
		}
		if err := read(m); err != nil {
			return err
		}
	}
}

// unknown notes that an answer has, or misses, objects of which no id is known.
func (f *finder) unknown(types []string) {
	for _, typ := range types {
		if f.plan.rules.entity(typ) {
			f.found[store.ManyTag(typ)] = true
		}
	}
}

// more says whether there's another item before the end of a list or an object.
func (f *finder) more(end byte, first bool) (bool, error) {
	f.space()
	if len(f.rest) == 0 {
		return false, errMalformed
	}
	if f.rest[0] == end {
		f.rest = f.rest[1:]
		return false, nil
	}
	if !first {
		if f.rest[0] != ',' {
			return false, errMalformed
		}
		f.rest = f.rest[1:]
	}
	return true, nil
}

// member reads a member's name and says what it is; nil for one that nobody asked for.
func (f *finder) member(n *node) (*field, error) {
	f.space()
	raw, err := f.quoted()
	if err != nil {
		return nil, err
	}
	if f.space(); len(f.rest) == 0 || f.rest[0] != ':' {
		return nil, errMalformed
	}
	f.rest = f.rest[1:]
	f.space()
	return n.fields[string(raw[1:len(raw)-1])], nil // a response name has nothing that is escaped
}

// text reads a string or a number, and skips everything else.
func (f *finder) text() (string, error) {
	before := f.rest
	if err := f.skip(); err != nil {
		return "", err
	}
	raw := before[:len(before)-len(f.rest)]
	switch c := raw[0]; {
	case c == '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return "", errMalformed
		}
		return s, nil
	case c == '-' || '0' <= c && c <= '9':
		return string(raw), nil
	}
	return "", nil
}

func (f *finder) space() {
	for len(f.rest) > 0 && (f.rest[0] == ' ' || f.rest[0] == '\n' || f.rest[0] == '\t' || f.rest[0] == '\r') {
		f.rest = f.rest[1:]
	}
}

// quoted reads a string, quotes and all.
func (f *finder) quoted() ([]byte, error) {
	if len(f.rest) == 0 || f.rest[0] != '"' {
		return nil, errMalformed
	}
	for i := 1; i < len(f.rest); i++ {
		switch f.rest[i] {
		case '\\':
			i++
		case '"':
			raw := f.rest[:i+1]
			f.rest = f.rest[i+1:]
			return raw, nil
		}
	}
	return nil, errMalformed
}

// skip passes one value. It doesn't recurse.
func (f *finder) skip() error {
	open := 0
	for {
		f.space()
		if len(f.rest) == 0 {
			return errMalformed
		}
		switch c := f.rest[0]; c {
		case '"':
			if _, err := f.quoted(); err != nil {
				return err
			}
		case '{', '[':
			open++
			f.rest = f.rest[1:]
			continue
		case '}', ']':
			open--
			f.rest = f.rest[1:]
		case ',', ':':
			if open == 0 {
				return errMalformed
			}
			f.rest = f.rest[1:]
			continue
		default:
			n := 0
			for n < len(f.rest) && !strings.ContainsRune(",:]}[{\" \n\t\r", rune(f.rest[n])) {
				n++
			}
			f.rest = f.rest[n:]
		}
		if open < 0 {
			return errMalformed
		}
		if open == 0 {
			return nil
		}
	}
}

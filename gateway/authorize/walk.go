package authorize

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// walker visits the fields of an operation by the object types that they may be selected of. Each selection set is
// visited once per type, so that the time is at most the size of the document times the number of types.
type walker struct {
	rules *Rules
	doc   *ast.QueryDocument
	// counts says whether what has these directives is part of the operation.
	counts func(ast.DirectiveList) bool
	// field is called for each field; false means not to go below it.
	field func(Need, *ast.Field) bool

	path    ast.Path
	visited map[visit]bool
}

type visit struct {
	set *ast.Selection // the first of the set
	def string
}

func (w *walker) operation(op *ast.OperationDefinition) {
	s := w.rules.schema
	root := s.Query
	switch op.Operation {
	case ast.Mutation:
		root = s.Mutation
	case ast.Subscription:
		root = s.Subscription
	}
	if root == nil {
		return
	}
	w.visited = map[visit]bool{}
	w.set(root, op.SelectionSet)
}

func (w *walker) set(def *ast.Definition, set ast.SelectionSet) {
	if len(set) == 0 {
		return
	}
	key := visit{&set[0], def.Name}
	if w.visited[key] {
		return
	}
	w.visited[key] = true
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if w.counts(s.Directives) {
				w.enter(def, s)
			}
		case *ast.InlineFragment:
			if w.counts(s.Directives) && w.applies(def, s.TypeCondition) {
				w.set(def, s.SelectionSet)
			}
		case *ast.FragmentSpread:
			if !w.counts(s.Directives) {
				continue
			}
			if f := w.doc.Fragments.ForName(s.Name); f != nil && w.applies(def, f.TypeCondition) {
				w.set(def, f.SelectionSet)
			}
		}
	}
}

func (w *walker) enter(def *ast.Definition, s *ast.Field) {
	if strings.HasPrefix(s.Name, "__") {
		return // introspection is for everybody, and so is the name of a type
	}
	f := def.Fields.ForName(s.Name)
	if f == nil {
		return
	}
	w.path = append(w.path, ast.PathName(s.Alias))
	defer func() { w.path = w.path[:len(w.path)-1] }()
	if !w.field(w.rules.Need(def.Name, s.Name), s) {
		return
	}
	returned := w.rules.schema.Types[f.Type.Name()]
	switch {
	case returned == nil || len(s.SelectionSet) == 0:
	case returned.IsAbstractType():
		for _, t := range w.rules.schema.GetPossibleTypes(returned) {
			if !t.IsAbstractType() {
				w.set(t, s.SelectionSet)
			}
		}
	default:
		w.set(returned, s.SelectionSet)
	}
}

// applies tells whether objects of a type are of a type condition's type.
func (w *walker) applies(def *ast.Definition, on string) bool {
	if on == "" || on == def.Name || slices.Contains(def.Interfaces, on) {
		return true
	}
	condition := w.rules.schema.Types[on]
	return condition != nil && condition.Kind == ast.Union && slices.Contains(condition.Types, def.Name)
}

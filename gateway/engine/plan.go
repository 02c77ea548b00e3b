package engine

import (
	"runtime"
	"sync"
	"weak"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/upstreams/view"
)

// plan is an operation, ready to run. It's shared by all its executions and never changes.
type plan struct {
	root *planObject
	// serial: the root fields run one after the other.
	serial     bool
	defers     bool // @defer stands in the operation
	args       int  // how many fields have arguments
	objects    int  // how many planObjects there are
	guards     []guard
	conditions []condition
}

// planObject is what is selected of one object type at one place.
type planObject struct {
	name    string
	quoted  []byte // the name as JSON
	binding *Object
	slots   []slot
	columns []*planField // the fields that have to be resolved before writing
	tasks   bool         // something in here or below runs as a task
	number  int          // among the plan's objects
	names   []string     // the members of views that are copied, each once
	defers  []*planDefer // fragments that come later
}

// slot is a place in the written object. A field has several when its first selection can be skipped and another would
// put it elsewhere.
type slot struct {
	key   []byte // `,"name":`
	field *planField
	when  int // the condition
}

// planField is one response name in a planObject.
type planField struct {
	kind    fieldKind
	object  string // the type that it's a field of
	need    int    // the guard's number of what it asks of the caller
	binding Field
	typ     *ast.Type
	when    int
	// selected are the places in the document, with the conditions under which they count; the first that does is the
	// field's location.
	selected []selected
	merged   graphql.CollectedField // when they all count always
	args     int                    // number among the fields with arguments, or none
	column   int                    // number among its object's columns
	children []*planObject          // by possible type; empty for leaves
	flat     bool                   // nothing below needs resolving: results are completed while writing
	view     viewField
}

type selected struct {
	field *ast.Field
	when  all
}

const none = -1

// fieldKind says who gives a field its value, and when.
type fieldKind uint8

const (
	// kindTypename is a constant.
	kindTypename fieldKind = iota
	// kindView is copied out of JSON while writing.
	kindView
	// kindRead is a property that is read while writing.
	kindRead
	// kindColumn is a property that is read while resolving, because there are tasks below it.
	kindColumn
	// kindTask is a method or resolver.
	kindTask
)

// viewField is where the value is in the object's JSON, and how leaves are appended.
type viewField struct {
	pointer view.Pointer
	place   int // among the object's names, or none when the pointer has more than one step
	append  func([]byte, view.Value) ([]byte, error)
}

func (f *planField) child(name string) *planObject {
	if i := f.childIndex(name); i >= 0 {
		return f.children[i]
	}
	return nil
}

func (f *planField) childIndex(name string) int {
	for i, o := range f.children {
		if o.name == name {
			return i
		}
	}
	return none
}

// plans keeps the plan of each operation for as long as its document is in use.
type plans struct {
	schema   *ast.Schema
	bindings *Bindings
	guard    Guard
	known    sync.Map // planKey to *plan
}

// planKey is an operation, and whether its answer may come in parts.
type planKey struct {
	operation weak.Pointer[ast.OperationDefinition]
	parts     bool
}

func newPlans(schema *ast.Schema, bindings *Bindings) *plans {
	return &plans{schema: schema, bindings: bindings}
}

// of is the operation's plan, compiled when it's seen for the first time, and nil when the engine can't run it. Nothing
// in a plan leads back to the operation, so that the map doesn't keep documents alive.
func (s *plans) of(doc *ast.QueryDocument, op *ast.OperationDefinition, parts bool) *plan {
	key := planKey{weak.Make(op), parts}
	if p, ok := s.known.Load(key); ok {
		return p.(*plan)
	}
	p := compile(s.schema, s.bindings, s.guard, doc, op, parts)
	if _, raced := s.known.LoadOrStore(key, p); !raced {
		runtime.AddCleanup(op, func(k planKey) { s.known.Delete(k) }, key)
	}
	return p
}

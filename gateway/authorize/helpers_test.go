package authorize_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/tributary-gateway/tributary/gateway/authorize"
)

const definitions = `
directive @authenticated on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
directive @requiresScopes(scopes: [[String!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
`

func load(t testing.TB, text string) (*ast.Schema, *authorize.Rules) {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "s.graphql", Input: definitions + text})
	if err != nil {
		t.Fatal(err)
	}
	r, err := authorize.New(schema)
	if err != nil {
		t.Fatal(err)
	}
	return schema, r
}

func parse(t testing.TB, schema *ast.Schema, query string) (*ast.QueryDocument, *ast.OperationDefinition) {
	t.Helper()
	doc, err := gqlparser.LoadQueryWithRules(schema, query, rules.NewDefaultRules())
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return doc, doc.Operations[0]
}

func caller(scopes string) authorize.Caller {
	return authorize.Caller{Authenticated: scopes != "nobody", Scopes: strings.Fields(scopes)}
}

// executor is the plainest one: it resolves everything that a verdict doesn't deny, objects of each type in turn where
// an interface or union may be several, and notes what was resolved and what was denied as "path Type.field".
type executor struct {
	schema           *ast.Schema
	doc              *ast.QueryDocument
	verdict          *authorize.Verdict
	resolved, denied []string
}

func run(schema *ast.Schema, doc *ast.QueryDocument, op *ast.OperationDefinition, v *authorize.Verdict) *executor {
	x := &executor{schema: schema, doc: doc, verdict: v}
	root := schema.Query
	if op.Operation == ast.Mutation {
		root = schema.Mutation
	}
	x.object(root, op.SelectionSet, "")
	slices.Sort(x.denied)
	slices.Sort(x.resolved)
	x.denied, x.resolved = slices.Compact(x.denied), slices.Compact(x.resolved)
	return x
}

func (x *executor) object(def *ast.Definition, set ast.SelectionSet, path string) {
	of := func(on string) bool {
		return on == "" || slices.ContainsFunc(x.schema.GetPossibleTypes(x.schema.Types[on]), func(d *ast.Definition) bool { return d.Name == def.Name })
	}
	for _, s := range set {
		switch s := s.(type) {
		case *ast.InlineFragment:
			if of(s.TypeCondition) {
				x.object(def, s.SelectionSet, path)
			}
		case *ast.FragmentSpread:
			if f := x.doc.Fragments.ForName(s.Name); of(f.TypeCondition) {
				x.object(def, f.SelectionSet, path)
			}
		case *ast.Field:
			at := strings.TrimPrefix(path+"."+s.Alias, ".")
			where := at + " " + def.Name + "." + s.Name
			if x.verdict.DeniedField(def.Name, s.Name) {
				x.denied = append(x.denied, where)
				continue
			}
			x.resolved = append(x.resolved, where)
			if f := def.Fields.ForName(s.Name); f != nil && len(s.SelectionSet) > 0 {
				for _, t := range x.schema.GetPossibleTypes(x.schema.Types[f.Type.Name()]) {
					if !t.IsAbstractType() {
						x.object(t, s.SelectionSet, at)
					}
				}
			}
		}
	}
}

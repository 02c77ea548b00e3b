package cost_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/tributary-gateway/tributary/gateway/cost"
)

func TestFormulasAreCompiledOnce(t *testing.T) {
	prices := compile(t, shop, cost.Config{})
	formulas := cost.NewFormulas(prices)
	doc, err := parser.ParseQuery(&ast.Source{Input: `{ item { id } }`})
	if err != nil {
		t.Fatal(err)
	}
	all := make([]*cost.Formula, 16)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() { all[i], _ = formulas.Of(doc, doc.Operations[0]) })
	}
	wg.Wait()
	for _, f := range all {
		if f == nil || f != all[0] {
			t.Fatal("compiled twice")
		}
	}
	other := &ast.OperationDefinition{Operation: ast.Query, SelectionSet: ast.SelectionSet{&ast.FragmentSpread{Name: "F"}}}
	if _, err := formulas.Of(doc, other); err == nil {
		t.Error("an operation with a fragment of another document")
	}
	runtime.KeepAlive(doc)
}

// Documents made to be large are priced, but not all of them kept.
func TestFormulasAreBounded(t *testing.T) {
	prices := compile(t, shop, cost.Config{})
	formulas := cost.NewFormulas(prices)
	text := `{ ` + strings.Repeat("%s ", 3000) + `}`
	var names []any
	for i := range 3000 {
		names = append(names, fmt.Sprintf("f%d: plain", i))
	}
	text = fmt.Sprintf(text, names...)
	var docs []*ast.QueryDocument
	again := 0
	for range 50 {
		doc, err := parser.ParseQuery(&ast.Source{Input: text})
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, doc)
		first, err := formulas.Of(doc, doc.Operations[0])
		if err != nil {
			t.Fatal(err)
		}
		if second, err := formulas.Of(doc, doc.Operations[0]); err != nil || second != first {
			again++
		}
	}
	if again < 10 || again > 20 {
		t.Errorf("%d of 50 weren't kept", again)
	}
	runtime.KeepAlive(docs)
}

package mistake_test

import (
	"errors"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/mistake"
)

func at(file string, line int) *ast.Position {
	return &ast.Position{Line: line, Src: &ast.Source{Name: file}}
}

func TestAListIsToldInTheOrderOfFilesAndLines(t *testing.T) {
	var found mistake.List
	found.Add(at("users.graphql", 3), "%s is no type", "Usr")
	found.Add(at("orders.graphql", 9), "z, found first")
	found.Add(at("orders.graphql", 9), "a, found later")
	found.Add(at("users.graphql", 3), "%s is no type", "Usr")
	found.Add(nil, "no place is known")
	found.Add(&ast.Position{Line: 2, Src: &ast.Source{}}, "no file is known")

	want := `orders.graphql:9: z, found first
orders.graphql:9: a, found later
schema:0: no place is known
schema:2: no file is known
users.graphql:3: Usr is no type`
	err := found.Err()
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	var list mistake.List
	if !errors.As(err, &list) || len(list) != 5 || list[0].Line != 9 {
		t.Errorf("not a List with its places: %#v", list)
	}
}

func TestNothingWrongIsNoError(t *testing.T) {
	if err := (mistake.List{}).Err(); err != nil {
		t.Errorf("an error of nothing: %v", err)
	}
}

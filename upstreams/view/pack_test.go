package view_test

import (
	"testing"

	"github.com/tributary-gateway/tributary/upstreams/view"
)

// product is a typed view as generated code has them.
type product view.Value

func (p *product) Name() (string, error) { return view.String(view.Unpack(p).Get("name")) }

func TestPack(t *testing.T) {
	p := view.Pack[product](mustParse(t, `{"name": "lamp"}`))
	if name, err := p.Name(); err != nil || name != "lamp" {
		t.Errorf("got %s, %v", name, err)
	}
	for _, v := range []view.Value{{}, mustParse(t, "null")} {
		if p := view.Pack[product](v); p != nil {
			t.Errorf("%v: got %v", v.Kind(), p)
		}
	}
	if v := view.Unpack[product](nil); v != (view.Value{}) {
		t.Errorf("Unpack(nil): got %v", v.Kind())
	}
	if p := view.Pack[product](mustParse(t, "5")); p == nil || view.ObjectErr(view.Unpack(p), "Product") == nil {
		t.Error("a number is packed, and no object")
	}
}

func TestPackList(t *testing.T) {
	root := mustParse(t, `[{"name": "lamp"}, null, {"name": "desk"}]`)
	list := view.PackList[product](root)
	if len(list) != 3 || list[1] != nil {
		t.Fatalf("got %v", list)
	}
	if name, err := list[2].Name(); err != nil || name != "desk" {
		t.Errorf("got %s, %v", name, err)
	}
	if allocs := testing.AllocsPerRun(10, func() { view.PackList[product](root) }); allocs > 2 {
		t.Errorf("%v allocations", allocs)
	}
	if list := view.PackList[product](mustParse(t, "[]")); list == nil || len(list) != 0 {
		t.Errorf("an empty array is %v", list)
	}
	for _, src := range []string{"null", "5", `{"a": 1}`} {
		if list := view.PackList[product](mustParse(t, src)); list != nil {
			t.Errorf("%s is %v", src, list)
		}
	}
}

func TestShapeErrors(t *testing.T) {
	for _, c := range []struct{ src, object, list string }{
		{"null", "", ""},
		{"{}", "", "Expected Iterable, but got: an object."},
		{"[1]", `Expected value of type "Product" but got: a list.`, ""},
		{`"x"`, `Expected value of type "Product" but got: a string.`, `Expected Iterable, but got: a string.`},
	} {
		v := mustParse(t, c.src)
		if got := text(view.ObjectErr(v, "Product")); got != c.object {
			t.Errorf("%s: ObjectErr is %s", c.src, got)
		}
		if got := text(view.ListErr(v)); got != c.list {
			t.Errorf("%s: ListErr is %s", c.src, got)
		}
	}
	if view.ObjectErr(view.Value{}, "Product") != nil || view.ListErr(view.Value{}) != nil {
		t.Error("absent is an error")
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

package view_test

import (
	"slices"
	"testing"

	"github.com/tributary-gateway/tributary/upstreams/view"
)

func TestObject(t *testing.T) {
	p, err := view.Object[product](mustParse(t, `{"name": "lamp"}`))
	if err != nil || p == nil {
		t.Errorf("got %v, %v", p, err)
	}
	if p, err := view.Object[product](mustParse(t, "null")); err != nil || p != nil {
		t.Errorf("null: got %v, %v", p, err)
	}
	p, err = view.Object[product](mustParse(t, "5"))
	if p != nil || text(err) != `Expected value of type "product" but got: a number.` {
		t.Errorf("number: got %v, %v", p, err)
	}
}

func TestOrZero(t *testing.T) {
	for src, want := range map[string]string{"null": "", "[1]": "[1]"} {
		if got, err := view.OrZero(mustParse(t, src), view.JSON); err != nil || !slices.Equal(got, []byte(want)) {
			t.Errorf("%s: got %s, %v", src, got, err)
		}
	}
	if _, err := view.OrZero(mustParse(t, "5"), view.DateTime); err == nil {
		t.Error("a wrong value is no error")
	}
}

func TestNoType(t *testing.T) {
	if got := text(view.NoType("Media", mustParse(t, `"tape"`))); got != `No type of "Media" is known by: a string.` {
		t.Errorf("got %s", got)
	}
	if got := text(view.NoType("Media", view.Value{})); got != `No type of "Media" is known by: undefined.` {
		t.Errorf("got %s", got)
	}
}

func TestMustPointer(t *testing.T) {
	if got := view.MustPointer("/a").String(); got != "/a" {
		t.Errorf("got %s", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic for a wrong pointer")
		}
	}()
	view.MustPointer("a")
}

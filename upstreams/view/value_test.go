package view_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/tributary-gateway/tributary/upstreams/view"
)

func TestGet(t *testing.T) {
	v := mustParse(t, `{"id": 1, "": 2, "n\u0061me": 3, "a": {"id": 9}, "id2": 4, "é": 5, "\"": 6, "a\":1,\"b": 7, "x": 8, "x": null, "x": 10, "\ud83d\ude42": 11}`)
	for name, want := range map[string]string{
		"id": "1", "": "2", "name": "3", "a": `{"id": 9}`, "id2": "4", "é": "5", `"`: "6", `a":1,"b`: "7", "x": "10", "🙂": "11",
		"i": "", "ID": "", "n\\u0061me": "", "nope": "",
	} {
		if got := string(v.Get(name).Raw()); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
}

func TestNothingThere(t *testing.T) {
	for name, v := range map[string]view.Value{
		"zero":         {},
		"nil document": (*view.Document)(nil).Root(),
		"zero root":    new(view.Document).Root(),
		"no member":    mustParse(t, `{}`).Get("a"),
		"no object":    mustParse(t, `[1]`).Get("a"),
		"no array":     mustParse(t, `{"0": 1}`).Index(0),
		"after":        mustParse(t, `[1]`).Index(1),
		"before":       mustParse(t, `[1]`).Index(-1),
	} {
		if v.Kind() != view.KindAbsent || !v.IsNull() || v.Raw() != nil || v.Len() != 0 || v.Any() != nil || v != (view.Value{}) {
			t.Errorf("%s: got %v %q", name, v.Kind(), v.Raw())
		}
		if v.Get("a") != (view.Value{}) || v.Index(0) != (view.Value{}) {
			t.Errorf("%s: something inside", name)
		}
		for range v.Elems() {
			t.Errorf("%s: an element", name)
		}
		for range v.Members() {
			t.Errorf("%s: a member", name)
		}
	}
}

func TestKinds(t *testing.T) {
	for src, want := range map[string]string{
		"null": "null", "true": "bool", "1": "number", `"a"`: "string", "[1]": "array", `{"a":1}`: "object",
	} {
		v := mustParse(t, src)
		if got := v.Kind().String(); got != want {
			t.Errorf("%s: got %s", src, got)
		}
		if v.IsNull() != (src == "null") {
			t.Errorf("%s: IsNull is %v", src, v.IsNull())
		}
	}
	if got := view.KindAbsent.String() + " " + view.Kind(99).String(); got != "absent unknown" {
		t.Errorf("got %s", got)
	}
}

func TestIteration(t *testing.T) {
	v := mustParse(t, `{"list": [10, [20, 21], {"x": 30}, 40], "b": 1, "b": 2}`)
	var items []string
	for i, e := range v.Get("list").Elems() {
		items = append(items, strconv.Itoa(i)+"="+string(e.Raw()))
		if i == 2 {
			break
		}
	}
	if want := []string{"0=10", "1=[20, 21]", `2={"x": 30}`}; !slices.Equal(items, want) {
		t.Errorf("got %q", items)
	}
	if got := string(v.Get("list").Index(3).Raw()); got != "40" {
		t.Errorf("Index(3): got %s", got)
	}
	var names []string
	for name, m := range v.Members() {
		names = append(names, name+strconv.Itoa(m.Len()))
		if len(names) == 2 {
			break
		}
	}
	if want := []string{"list4", "b0"}; !slices.Equal(names, want) {
		t.Errorf("got %q", names)
	}
	if v.Len() != 3 {
		t.Errorf("Len: got %d, repeated names count", v.Len())
	}
}

func TestRawCannotGrowIntoTheSource(t *testing.T) {
	v := mustParse(t, `[1,2]`)
	_ = append(v.Index(0).Raw(), "999"...)
	if got := string(v.Raw()); got != "[1,2]" {
		t.Errorf("the source became %s", got)
	}
}

func TestAnyKeepsNumbers(t *testing.T) {
	if got := mustParse(t, `1.50e2`).Any(); got != json.Number("1.50e2") {
		t.Errorf("got %#v", got)
	}
}

func TestConcurrentReaders(t *testing.T) {
	root := mustParse(t, string(posts()))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i, post := range root.Elems() {
				if id, err := view.Int(post.Get("id")); err != nil || int(id) != i+1 {
					t.Errorf("post %d: %d, %v", i, id, err)
				}
			}
		})
	}
	wg.Wait()
}

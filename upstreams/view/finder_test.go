package view_test

import (
	"fmt"
	"testing"

	"github.com/tributary-gateway/tributary/upstreams/view"
)

// A Finder that saw any objects before finds in the next one what Get finds there.
func checkFinder(t *testing.T, texts []string, names []string) {
	t.Helper()
	var f view.Finder
	found := make([]view.Value, len(names))
	for round := range 2 {
		for _, text := range texts {
			d, err := view.Parse([]byte(text))
			if err != nil {
				return
			}
			objects := []view.Value{d.Root()}
			for _, e := range d.Root().Elems() {
				objects = append(objects, e)
			}
			for i, v := range objects {
				f.Find(v, names, found)
				for j, name := range names {
					if found[j] != v.Get(name) {
						t.Errorf("round %d, object %d of %s: %s is %q, want %q", round, i, text, name, found[j].Raw(), v.Get(name).Raw())
					}
				}
			}
		}
		f.Forget()
	}
}

func TestFinder(t *testing.T) {
	checkFinder(t, []string{
		`[{"id":1,"title":"a","body":"x"},{"id":2,"title":"b","body":"y"}]`,
		`[{"title":"a","id":1},{"id":1},{},{"id":1,"id":2,"title":null},{"id":3,"title":"t","id":4}]`,
		`[{"user":{"id":7,"title":"inner"},"id":1},{"user":{"id":7,"title":"inner"}},{"user":1,"id":{"id":2}}]`,
		`[{"\u0069d":1,"title":2},{"id":3,"title":4},{"i\u0064":5},{"\\u0069d":6}]`,
		`[1,"id",null,[{"id":1}],{"x":1,"id":2},{"x":1,"idd":2},{"x":1,"id":3}]`,
		`{"id":1}`, `{"ID":1}`, `"id"`,
	}, []string{"id", "title", "absent"})
	checkFinder(t, []string{`[{"a":1}]`}, nil)
}

func FuzzFinder(f *testing.F) {
	f.Add(`[{"a":1,"b":2},{"b":1,"a":2},{"a":{"a":1}}]`, `{"\u0061":1,"a":2}`)
	f.Fuzz(func(t *testing.T, one, two string) {
		checkFinder(t, []string{one, two, one}, []string{"a", "b", "ab"})
	})
}

func BenchmarkFinder(b *testing.B) {
	text := []byte("[")
	for i := range 100 {
		text = fmt.Appendf(text, `{"userId":%d,"id":%d,"title":"some title","body":"some body"},`, i/10, i)
	}
	text[len(text)-1] = ']'
	d, err := view.Parse(text)
	if err != nil {
		b.Fatal(err)
	}
	names := []string{"id", "userId", "title"}
	var f view.Finder
	found := make([]view.Value, len(names))
	b.ReportAllocs()
	for b.Loop() {
		for _, v := range d.Root().Elems() {
			f.Find(v, names, found)
		}
	}
}

package view_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/upstreams/view"
)

// The document and the pointers are those of RFC 6901, section 5, and some more.
const pointerDocument = `{
	"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8,
	"~1": 9, "0": "zero", "deep": [{"x": [[], [1, {"y": null}]]}]
}`

func TestAt(t *testing.T) {
	root := mustParse(t, pointerDocument)
	for _, c := range []struct{ pointer, want string }{
		{"", string(root.Raw())},
		{"/foo", `["bar", "baz"]`},
		{"/foo/0", `"bar"`},
		{"/", "0"},
		{"/a~1b", "1"},
		{"/c%d", "2"},
		{"/e^f", "3"},
		{"/g|h", "4"},
		{"/i\\j", "5"},
		{"/k\"l", "6"},
		{"/ ", "7"},
		{"/m~0n", "8"},
		{"/~01", "9"},
		{"/0", `"zero"`},
		{"/deep/0/x/1/1/y", "null"},
		{"/foo/2", ""},
		{"/foo/-", ""},
		{"/foo/-1", ""},
		{"/foo/+1", ""},
		{"/foo/01", ""},
		{"/foo/00", ""},
		{"/foo/", ""},
		{"/foo/1x", ""},
		{"/foo/99999999999999999999", ""},
		{"/foo/0/0", ""},
		{"/nope/0", ""},
		{"/deep/0/x/1/1/y/z", ""},
	} {
		p, err := view.ParsePointer(c.pointer)
		if err != nil {
			t.Errorf("%s: %v", c.pointer, err)
			continue
		}
		if got := string(root.At(p).Raw()); got != c.want {
			t.Errorf("%s: got %s, want %s", c.pointer, got, c.want)
		}
		if p.String() != c.pointer {
			t.Errorf("%s: String is %s", c.pointer, p)
		}
	}
	if root.At(view.Pointer{}) != root {
		t.Error("the zero Pointer isn't the whole")
	}
}

func TestParsePointerRefuses(t *testing.T) {
	for pointer, want := range map[string]string{
		"foo":   `JSON Pointer "foo" must be empty or start with "/"`,
		"#/foo": `JSON Pointer "#/foo" must be empty or start with "/"`,
		"/a~":   `JSON Pointer "/a~" has a "~" that is neither "~0" nor "~1"`,
		"/a~2b": `JSON Pointer "/a~2b" has a "~" that is neither "~0" nor "~1"`,
		"/~/a":  `JSON Pointer "/~/a" has a "~" that is neither "~0" nor "~1"`,
	} {
		if _, err := view.ParsePointer(pointer); err == nil || err.Error() != want {
			t.Errorf("%s: got %v", pointer, err)
		}
	}
}

// FuzzPointer: any names, escaped and joined, lead through objects of these names; and no pointer disturbs At.
func FuzzPointer(f *testing.F) {
	f.Add("a", "b/c", "/foo/0")
	f.Add("~1", "", "//")
	f.Add("0", "~0", "/a~2")
	f.Fuzz(func(t *testing.T, outer, inner, pointer string) {
		root := mustParse(t, pointerDocument)
		if p, err := view.ParsePointer(pointer); err == nil {
			if p.String() != pointer {
				t.Fatalf("String is %q", p)
			}
			if v := root.At(p); pointer == "" != (v == root) {
				t.Fatalf("%q leads to %q", pointer, v.Raw())
			}
		} else if strings.HasPrefix(pointer, "/") && !strings.Contains(pointer, "~") {
			t.Fatal(err)
		}

		outer, inner = strings.ToValidUTF8(outer, ""), strings.ToValidUTF8(inner, "")
		escape := strings.NewReplacer("~", "~0", "/", "~1")
		p, err := view.ParsePointer("/" + escape.Replace(outer) + "/1/" + escape.Replace(inner))
		if err != nil {
			t.Fatal(err)
		}
		src := `{` + quote(t, outer) + `: [null, {` + quote(t, inner) + `: "here"}]}`
		if got := string(mustParse(t, src).At(p).Raw()); got != `"here"` {
			t.Fatalf("%s in %s: got %s", p, src, got)
		}
	})
}

// quote is the JSON string of s, all in escapes or none, by its length.
func quote(t *testing.T, s string) string {
	t.Helper()
	if len(s)%2 == 0 {
		var b strings.Builder
		b.WriteByte('"')
		for _, r := range s {
			if r > 0xffff {
				b.WriteRune(r)
				continue
			}
			b.WriteString(`\u` + strconv.FormatInt(0x10000|int64(r), 16)[1:])
		}
		return b.String() + `"`
	}
	text, err := view.AppendString(nil, mustParse(t, jsonText(t, s)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

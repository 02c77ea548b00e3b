package view_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tributary-gateway/tributary/upstreams/view"
)

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"", "unexpected end of text, value due at byte 0"},
		{" \n", "unexpected end of text, value due at byte 2"},
		{"\xef\xbb\xbf1", "unexpected character, value due at byte 0"},
		{"1 2", "unexpected character, end of text due at byte 2"},
		{"1\f", "unexpected character, end of text due at byte 1"},
		{"nul", "unexpected character, value due at byte 0"},
		{"True", "unexpected character, value due at byte 0"},
		{"NaN", "unexpected character, value due at byte 0"},
		{"'a'", "unexpected character, value due at byte 0"},
		{"// x", "unexpected character, value due at byte 0"},
		{"[1", "unexpected end of text, ',' or ']' due at byte 2"},
		{"[1}", "unexpected character, ',' or ']' due at byte 2"},
		{"[1,]", "unexpected character, value due at byte 3"},
		{"[,1]", "unexpected character, value due at byte 1"},
		{"[", "unexpected end of text, value due at byte 1"},
		{"]", "unexpected character, value due at byte 0"},
		{`{`, "unexpected end of text, member name due at byte 1"},
		{`{"a":1`, "unexpected end of text, ',' or '}' due at byte 6"},
		{`{"a":1]`, "unexpected character, ',' or '}' due at byte 6"},
		{`{"a":1,}`, "unexpected character, member name due at byte 7"},
		{`{a:1}`, "unexpected character, member name due at byte 1"},
		{`{"a" 1}`, "unexpected character, ':' due at byte 5"},
		{`{"a`, "unexpected end of text, closing quote due at byte 3"},
		{`{"a":}`, "unexpected character, value due at byte 5"},
		{`"abc`, "unexpected end of text, closing quote due at byte 4"},
		{`"abcdefghijkl`, "unexpected end of text, closing quote due at byte 13"},
		{"\"tab\t\"", "control character in a string at byte 4"},
		{"\"a long text with a newline\n\"", "control character in a string at byte 27"},
		{"\"\x00\"", "control character in a string at byte 1"},
		{`"\`, "unexpected end of text, escape sequence due at byte 2"},
		{`"\x"`, "unknown escape sequence at byte 2"},
		{`"\u12`, `\u without four hexadecimal digits at byte 1`},
		{`"\u12g4"`, `\u without four hexadecimal digits at byte 1`},
		{`"\ud800"`, "lone surrogate in a string at byte 1"},
		{`"\udc00"`, "lone surrogate in a string at byte 1"},
		{`"\ud800\u0041"`, "lone surrogate in a string at byte 1"},
		{`"\ud800\ud800"`, "lone surrogate in a string at byte 1"},
		{`"\ud800\u12"`, "lone surrogate in a string at byte 1"},
		{`{"\udead":1}`, "lone surrogate in a string at byte 2"},
		{"\"\xff\"", "invalid UTF-8 at byte 1"},
		{"\"\xed\xa0\x80\"", "invalid UTF-8 at byte 1"}, // a surrogate
		{"\"é\xc0\xaf\"", "invalid UTF-8 at byte 3"},    // an overlong slash
		{"\"\uFFFD\xf4\x90\x80\x80\"", "invalid UTF-8 at byte 4"},
		{"\"\xe2\x82", "invalid UTF-8 at byte 1"},
		{"-", "unexpected end of text, digit due at byte 1"},
		{"-a", "unexpected character, digit due at byte 1"},
		{"+1", "unexpected character, value due at byte 0"},
		{".5", "unexpected character, value due at byte 0"},
		{"01", "digit after a leading zero at byte 1"},
		{"-00", "digit after a leading zero at byte 2"},
		{"1.", "unexpected end of text, digit due at byte 2"},
		{"1.e1", "unexpected character, digit due at byte 2"},
		{"1e", "unexpected end of text, digit due at byte 2"},
		{"1e+", "unexpected end of text, digit due at byte 3"},
		{"1E-x", "unexpected character, digit due at byte 3"},
		{"0x10", "unexpected character, end of text due at byte 1"},
		{strings.Repeat("[", 129) + strings.Repeat("]", 129), "nesting too deep at byte 128"},
		{strings.Repeat(`{"a":[`, 64) + "{}", "nesting too deep at byte 384"},
		{strings.Repeat("[", 1<<20), "nesting too deep at byte 128"},
	} {
		d, err := view.Parse([]byte(c.src))
		var syntax *view.SyntaxError
		if d != nil || !errors.As(err, &syntax) || err.Error() != c.want {
			t.Errorf("%.40q: got %v, want %s", c.src, err, c.want)
		}
		if json.Valid([]byte(c.src)) && !strings.Contains(c.want, "UTF-8") && !strings.Contains(c.want, "surrogate") && !strings.Contains(c.want, "deep") {
			t.Errorf("%.40q is valid", c.src)
		}
	}
}

func TestParseAccepts(t *testing.T) {
	for _, src := range []string{
		"null", " true ", "\r\n\tfalse", "0", "-0", "-0.0e-0", "1E+400", "123456789012345678901234567890",
		`""`, `"\"\\\/\b\f\n\r\t\u0041\u00e9\uFFFD\u0000"`, `"\ud83d\ude42"`, `"\uD83D\uDE42x"`, "\"é🙂\u2028\x7f\"",
		"[]", "[ ]", "{}", "{ }", "[[],{},[[]]]", `{"":{"":[]}}`, `{"a":1,"a":2}`, `[1 , 2]`, `{"a" : 1 , "b" : [ { } ] }`,
		strings.Repeat("[", 128) + strings.Repeat("]", 128),
		strings.Repeat(`{"a":`, 128) + "1" + strings.Repeat("}", 128),
	} {
		v := mustParse(t, src)
		if got, want := v.Any(), decode(t, []byte(src)); !reflect.DeepEqual(got, want) {
			t.Errorf("%.40q: got %v, want %v", src, got, want)
		}
		if got := string(v.Raw()); got != strings.TrimSpace(src) {
			t.Errorf("%.40q: Raw is %.40q", src, got)
		}
	}
}

// Every position of the eight bytes that are looked at together must see a quote, an escape, a control character.
func TestParseAtEveryAlignment(t *testing.T) {
	for n := range 40 {
		pad := strings.Repeat("x", n)
		for _, tail := range []string{"", `\"`, "é", "\x7f", `\u0041`, "é\"x"} {
			src := []byte(`"` + pad + tail + `"`)
			_, err := view.Parse(src)
			if (err == nil) != json.Valid(src) {
				t.Errorf("%q: got %v", src, err)
			}
		}
		for _, bad := range []byte{0, '\n', 0x1f} {
			_, err := view.Parse([]byte(`"` + pad + string(rune(bad)) + `12345678"`))
			var syntax *view.SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset != n+1 {
				t.Errorf("control character after %d bytes: got %v", n, err)
			}
		}
	}
}

func TestParseIntoUsesMemoryAgain(t *testing.T) {
	src := posts()
	d := new(view.Document)
	if err := view.ParseInto(d, src); err != nil {
		t.Fatal(err)
	}
	if allocs := testing.AllocsPerRun(10, func() { _ = view.ParseInto(d, src) }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	if err := view.ParseInto(d, []byte(`{"a":[1]}`)); err != nil {
		t.Fatal(err)
	}
	if got := d.Root().Get("a").Index(0).Raw(); string(got) != "1" {
		t.Errorf("got %s", got)
	}
	if err := view.ParseInto(d, []byte(`[1,2,`)); err == nil {
		t.Error("no error")
	}
	if got := d.Root().Kind(); got != view.KindAbsent {
		t.Errorf("after an error the root is %v", got)
	}
}

func TestParseAllocates(t *testing.T) {
	src := posts()
	allocs := testing.AllocsPerRun(10, func() {
		d, err := view.Parse(src)
		if err != nil {
			t.Error(err)
		}
		sink = d
	})
	if allocs > 2 {
		t.Errorf("%v allocations for a list of 100 posts, want 2", allocs)
	}
}

// FuzzParse holds Parse against encoding/json: the same verdict but for the rules of ours, and the same values.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		``, `null`, `[1,2.5e3,"a\u00e9\n",{"b":{},"b":[true,false]}]`, `{"a":{"b":[[],{}]}} `, "\"\xff\"", `"\ud800"`,
		`"\ud83d\ude42 and twelve more"`, `[1,]`, `{"a":1,}`, `-01`, `1e+`, `"\u12"`, strings.Repeat("[", 130), "\"\x01\"",
		`{"\u0061":1,"a":2}`, `{"\"":0}`,
	} {
		f.Add([]byte(s))
	}
	f.Add(posts()[:2000])
	reused := new(view.Document)
	f.Fuzz(func(t *testing.T, src []byte) {
		want := json.Valid(src) && utf8.Valid(src) && !hasLoneSurrogate(src) && depth(src) <= view.MaxDepth
		d, err := view.Parse(src)
		if (err == nil) != want {
			t.Fatalf("%q: got %v, want valid %v", src, err, want)
		}
		again := view.ParseInto(reused, src)
		if fmt.Sprint(again) != fmt.Sprint(err) {
			t.Fatalf("%q: %v, but into a used document %v", src, err, again)
		}
		if err != nil {
			var syntax *view.SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(src) {
				t.Fatalf("%q: %v", src, err)
			}
			return
		}
		plain := decode(t, src)
		for _, root := range []view.Value{d.Root(), reused.Root()} {
			if got := root.Any(); !reflect.DeepEqual(got, plain) {
				t.Fatalf("%q: got %#v, want %#v", src, got, plain)
			}
			checkTree(t, root)
		}
	})
}

// checkTree holds the ways to read a value against each other.
func checkTree(t *testing.T, v view.Value) {
	t.Helper()
	if !json.Valid(v.Raw()) {
		t.Fatalf("Raw is %q", v.Raw())
	}
	if got := decode(t, v.Raw()); !reflect.DeepEqual(got, v.Any()) {
		t.Fatalf("Raw %q is %#v, Any %#v", v.Raw(), got, v.Any())
	}
	n := 0
	for i, e := range v.Elems() {
		if i != n || v.Index(i) != e {
			t.Fatalf("%q: element %d of Elems isn't Index", v.Raw(), i)
		}
		checkTree(t, e)
		n++
	}
	last := map[string]view.Value{}
	for name, m := range v.Members() {
		last[name] = m
		checkTree(t, m)
		n++
	}
	for name, m := range last {
		if v.Get(name) != m {
			t.Fatalf("%q: Get(%q) isn't the last member of the name", v.Raw(), name)
		}
	}
	if n != v.Len() {
		t.Fatalf("%q: Len %d, yielded %d", v.Raw(), v.Len(), n)
	}
}

func decode(t *testing.T, src []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(src))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("encoding/json: %q: %v", src, err)
	}
	return v
}

// hasLoneSurrogate looks for escapes of half a pair. In valid JSON a backslash stands in a string and starts an escape.
func hasLoneSurrogate(src []byte) bool {
	for i := 0; i < len(src); i++ {
		if src[i] != '\\' {
			continue
		}
		i++
		if src[i] != 'u' {
			continue
		}
		unit := unitAt(src, i-1)
		i += 4
		switch {
		case unit >= 0xdc00 && unit <= 0xdfff:
			return true
		case unit >= 0xd800 && unit <= 0xdbff:
			if low := unitAt(src, i+1); low < 0xdc00 || low > 0xdfff {
				return true
			}
			i += 6
		}
	}
	return false
}

// unitAt is the code unit of the \u escape at i, 0 if there is none.
func unitAt(src []byte, i int) uint64 {
	if i+6 > len(src) || string(src[i:i+2]) != `\u` {
		return 0
	}
	unit, _ := strconv.ParseUint(string(src[i+2:i+6]), 16, 16)
	return unit
}

// depth is how many containers are open at once in valid JSON.
func depth(src []byte) int {
	dec := json.NewDecoder(bytes.NewReader(src))
	dec.UseNumber()
	open, most := 0, 0
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) || err != nil {
			return most
		}
		switch token {
		case json.Delim('['), json.Delim('{'):
			open++
			most = max(most, open)
		case json.Delim(']'), json.Delim('}'):
			open--
		}
	}
}

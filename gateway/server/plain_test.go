package server

import (
	"reflect"
	"testing"
	"unicode/utf8"
)

var bodies = []struct {
	text  string
	plain bool
}{
	{`{"query":"{ a }"}`, true},
	{" {\n\t\"query\" : \"{ a(b: \\\"c\\\\\\\") }\\n\\t\\r\\b\\f\\/é\" } \r\n", true},
	{`{"operationName":null,"variables":null,"extensions":null,"query":"{a}"}`, true},
	{`{"operationName":"A","variables":{"a":[1,-0.5e+3,"x",true,false,null,{},[],{"b":{"a\n":1}}]},"extensions":{"x":{}},"query":"{a}"}`, true},
	{`{"query":"{a}","variables":{"a":1,"a":2}}`, true},
	{`{"query":"{a}","variables":{"a":123456789012345678901234567890}}`, true},

	{``, false},
	{`{}`, false},
	{`[]`, false},
	{`{"query":""}`, false},
	{`{"query":"\u0041"}`, false},
	{`{"query":"{a}","query":"{a}"}`, false},
	{`{"query":"{a}","id":1}`, false},
	{`{"Query":"{a}"}`, false},
	{`{"query":"{a}"} {}`, false},
	{"{\"query\":\"{a}\"}\x00", false},
	{`{"query":"{a}",}`, false},
	{`{"query":"{a}"`, false},
	{`{"query":"{a}`, false},
	{`{"query":"{a}\`, false},
	{`{"query":"{a}\x"}`, false},
	{"{\"query\":\"{a}\n\"}", false},
	{"{\"query\":\"{a}\\n\n\"}", false},
	{`{"query":1}`, false},
	{`{"query":null}`, false},
	{`{"query":"{a}","operationName":1}`, false},
	{`{"query":"{a}","variables":[]}`, false},
	{`{"query":"{a}","variables":{"a":01}}`, false},
	{`{"query":"{a}","variables":{"a":1.}}`, false},
	{`{"query":"{a}","variables":{"a":-}}`, false},
	{`{"query":"{a}","variables":{"a":}}`, false},
	{`{"query":"{a}","variables":{"a":nul}}`, false},
	{`{"query":"{a}","variables":{"a":[1,]}}`, false},
	{`{"query":"{a}","variables":{"a":1,}}`, false},
	{`{"query":"{a}","variables":{"a"}}`, false},
	{`{"query":"{a}","variables":{"a":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}}`, false},
}

func TestPlainBodies(t *testing.T) {
	for _, b := range bodies {
		if _, ok := readPlain([]byte(b.text)); ok != b.plain {
			t.Errorf("%s: plain is %v", b.text, ok)
		}
	}
}

// What is read the quick way is what encoding/json reads.
func FuzzPlain(f *testing.F) {
	for _, b := range bodies {
		f.Add([]byte(b.text))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		quick, ok := readPlain(body)
		if !ok || !utf8.Valid(body) { // readPost refuses what isn't UTF-8 before
			return
		}
		members, wrong := readObject(body)
		if wrong != nil {
			t.Fatalf("%q is refused: %s", body, wrong.message)
		}
		thorough, wrong := assemble(members)
		if wrong != nil {
			t.Fatalf("%q is refused: %s", body, wrong.message)
		}
		if !reflect.DeepEqual(quick, thorough) {
			t.Errorf("%q: %#v instead of %#v", body, quick, thorough)
		}
	})
}

func BenchmarkBody(b *testing.B) {
	body := []byte(`{"query":"query($id: Int!) {\n  post(id: $id) {\n    id\n    title\n  }\n}","variables":{"id":17}}`)
	b.Run("plain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := readPlain(body); !ok {
				b.Fatal("not plain")
			}
		}
	})
	b.Run("thorough", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			members, _ := readObject(body)
			if _, wrong := assemble(members); wrong != nil {
				b.Fatal(wrong.message)
			}
		}
	})
}

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
	{`{"query":"{a}","variables":{"a":123456789012345678901234567890}}`, true},

	{`{"query":"{a}","variables":{"a":1,"a":2}}`, false},
	{`{"query":"{a}","variables":{"a":{"b":1,"c":[{"b":2,"b":3}]}}}`, false},
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

// What two readers of JSON may read differently is no request.
func TestAmbiguousBodies(t *testing.T) {
	const twice, half = "The body has an object with the same member twice.", "The body has a string with half of a surrogate pair."
	for body, want := range map[string]string{
		`{"query":"{a}","variables":{"a":1,"a":2}}`:                       twice,
		`{"query":"{a}","variables":{"a":1,"\u0061":2}}`:                  twice,
		`{"query":"{a}","variables":{"a":[{"b":{"c":1,"c":1}}]}}`:         twice,
		`{"query":"{a}","extensions":{"a":1,"a":2}}`:                      twice,
		`{"query":"{a}","x":1,"x":2}`:                                     twice,
		`{"query":"{a}","x":{"y":1,"y":2}}`:                               twice,
		`{"query":"{a}","query":"{b}"}`:                                   `The member "query" stands twice in the body.`,
		`{"query":"{a}","Variables":{}}`:                                  `The body has a member that must be written "variables".`,
		`{"query":"{a}","operationname":"B"}`:                             `The body has a member that must be written "operationName".`,
		`{"query":"{a}","variables":{"a":"\ud800"}}`:                      half,
		`{"query":"{a}","variables":{"a":"\ude00\ud83d"}}`:                half,
		`{"query":"{a}","variables":{"a":"\ud83dx"}}`:                     half,
		`{"query":"{a}","variables":{"a":"\ud83d\n"}}`:                    half,
		`{"query":"{a}","variables":{"a":"\ud83d\ud83d\ude00"}}`:          half,
		`{"query":"{a}","variables":{"\uDC00":1}}`:                        half,
		`{"query":"{a}","variables":{"a":"\ud83d\ude00\\ud800"}}`:         "",
		`{"query":"{a}","variables":{"a":"\\\\ud800 \u00e9 \" : \" : "}}`: "",
		`{"query":"{a}","x":1,"y":{"x":1},"X":[{"x":1},{"x":1}]}`:         "",
	} {
		members, wrong := readObject([]byte(body))
		if got := message(wrong); got != want || (members == nil) != (want != "") {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
		if _, ok := readPlain([]byte(body)); ok && want != "" {
			t.Errorf("%s: the quick reader takes it", body)
		}
	}
}

func message(p *problem) string {
	if p == nil {
		return ""
	}
	return p.message
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

package event

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/view"
)

func canonical(t *testing.T, text string) string {
	t.Helper()
	d, err := view.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return string(appendCanonical(nil, d.Root()))
}

func TestCanonical(t *testing.T) {
	for text, want := range map[string]string{
		` { "b" : 1 , "a" : [ true , null ] } `: `{"a":[true,null],"b":1}`,
		`{"a":1,"a":2}`:                         `{"a":2}`,
		`"\u0061\/"`:                            `"a/"`,
		`{"\u0061":1}`:                          `{"a":1}`,
		`1.0`:                                   `1.0`,
		`[]`:                                    `[]`,
		`{}`:                                    `{}`,
	} {
		if got := canonical(t, text); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// The canonical text is JSON that says the same, and its own canonical text.
func FuzzCanonical(f *testing.F) {
	for _, text := range []string{`{"b":1,"a":"\ud83d\ude00"}`, `[1e5,{"a":{"a":[]}}]`, `{"a":1,"a":[]}`, `"\u0000<>"`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := view.Parse([]byte(text))
		if err != nil {
			return
		}
		got := appendCanonical(nil, d.Root())
		if again := canonical(t, string(got)); again != string(got) {
			t.Fatalf("%s became %s", got, again)
		}
		decode := func(b []byte) any {
			decoder := json.NewDecoder(bytes.NewReader(b))
			decoder.UseNumber()
			var v any
			if decoder.Decode(&v) != nil {
				t.Fatalf("%q isn't JSON", b)
			}
			return v
		}
		a, _ := json.Marshal(decode([]byte(text)))
		b, _ := json.Marshal(decode(got))
		if !bytes.Equal(a, b) {
			t.Fatalf("%s says %s", text, b)
		}
	})
}

func TestJittered(t *testing.T) {
	const s = time.Second
	if a, b := jittered(10*s, 0), jittered(10*s, 1); a != 9*s || b != 11*s {
		t.Errorf("%v to %v", a, b)
	}
}

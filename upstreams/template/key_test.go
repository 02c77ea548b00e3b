package template_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

func TestKeyOf(t *testing.T) {
	for text, want := range map[string]template.LookupKey{
		`1`: {Text: "1", Number: true}, `"1"`: {Text: "1"}, `1.0`: {Text: "1", Number: true},
		`""`: {}, `"a\/b"`: {Text: "a/b"}, `12345678901234567890123`: {Text: "12345678901234567890123", Number: true},
	} {
		if got, err := template.KeyOf(parseJSON(t, text)); got != want || err != nil {
			t.Errorf("%s: %+v %v", text, got, err)
		}
	}
	for _, text := range []string{"1.5", "true", "[]", "{}", "null"} {
		if got, err := template.KeyOf(parseJSON(t, text)); err == nil {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

func TestKeys(t *testing.T) {
	type keys []template.LookupKey
	for text, want := range map[string]struct {
		keys keys
		list bool
		err  string
	}{
		"{id}":          {keys: keys{{Text: "a/b"}}},
		"{n}":           {keys: keys{{Text: "-3", Number: true}}},
		"{big}":         {keys: keys{{Text: "12345678901234567890", Number: true}}},
		"{this.id}":     {keys: keys{{Text: "42", Number: true}}},
		"{this.name}":   {keys: keys{{Text: `O"Neil`}}},
		"u-{this.id}":   {keys: keys{{Text: "u-42"}}},
		"u-{this.no}":   {},
		"{this.no}":     {},
		"{missing}":     {},
		"{nil}":         {},
		"{list}":        {keys: keys{{Text: "x"}, {Text: "2", Number: true}}, list: true},
		"{none}":        {list: true},
		"{this.ids}":    {keys: keys{{Text: "1", Number: true}, {Text: "two"}}, list: true},
		"{key}":         {keys: keys{{Text: "k/1"}}},
		"{keys}":        {keys: keys{{Text: "1", Number: true}, {Text: "b&c"}}, list: true},
		"{client.id}":   {keys: keys{{Text: "app"}}},
		"{input}":       {err: "The value of {input} can't be an object as a key."},
		"{lists}":       {list: true, err: "The value of {lists} can't be a list as a key."},
		"u-{list}":      {err: "The value of {list} can't be a list in a text."},
		"{this.object}": {err: `ID cannot represent value: { a: [1, 2] }`},
	} {
		parsed, err := template.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		got, list, err := parsed.AppendKeys(nil, scope(t), new(template.Keyring))
		if len(got) == 0 {
			got = nil
		}
		message := ""
		if err != nil {
			message = err.Error()
		}
		if diff := cmp.Diff(want.keys, keys(got)); diff != "" || list != want.list || message != want.err {
			t.Errorf("%s: list %v, %v, %s", text, list, err, diff)
		}
	}
}

// A Keyring gives the keys that KeyOf gives, however often it's asked.
func TestKeyringRemembersOnlyTexts(t *testing.T) {
	document, err := view.Parse([]byte(`[1, "1", 1.0, 1e0, -0, "a\u0062", "ab", 12345678901234567890123, true, null, "", 1, "1"]`))
	if err != nil {
		t.Fatal(err)
	}
	var ring template.Keyring
	for range 2 {
		for _, v := range document.Root().Elems() {
			want, wantErr := template.KeyOf(v)
			got, err := ring.KeyOf(v)
			if got != want || (err == nil) != (wantErr == nil) {
				t.Errorf("%s: got %+v, %v, want %+v, %v", v.Raw(), got, err, want, wantErr)
			}
		}
	}
}

package template_test

import (
	"fmt"
	"slices"
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
		"{this.object}": {err: `ID cannot represent value: an object`},
	} {
		parsed, err := template.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		var ring template.Keyring
		places, list, err := parsed.AppendKeys(nil, scope(t), &ring)
		var got keys
		for _, place := range places {
			got = append(got, ring.Keys()[place])
		}
		if err != nil && ring.Len() > 0 {
			t.Errorf("%s: %v and keys", text, err)
		}
		message := ""
		if err != nil {
			message = err.Error()
		}
		if diff := cmp.Diff(want.keys, got); diff != "" || list != want.list || message != want.err {
			t.Errorf("%s: list %v, %v, %s", text, list, err, diff)
		}
	}
}

// A Keyring has each key once, in the order of their first appearance, and the keys are those that KeyOf gives.
func TestKeyring(t *testing.T) {
	text := `[1, "1", 1.0, 1e0, -0, "a\u0062", "ab", 12345678901234567890123, true, null, "", 1, "1"`
	for i := range 40 {
		text += fmt.Sprintf(`, %d, "key-%d"`, i*7%20, i*3%30)
	}
	document, err := view.Parse([]byte(text + "]"))
	if err != nil {
		t.Fatal(err)
	}
	var ring template.Keyring
	var want []template.LookupKey
	for range 2 {
		for _, v := range document.Root().Elems() {
			key, wantErr := template.KeyOf(v)
			if !slices.ContainsFunc(want, func(k template.LookupKey) bool { return k.Text == key.Text }) && wantErr == nil {
				if place, ok := ring.Find(v); ok {
					t.Errorf("%s: found at %d", v.Raw(), place)
				}
				want = append(want, key)
			}
			place, err := ring.AddValue(v)
			found, ok := ring.Find(v)
			if (err == nil) != (wantErr == nil) || ok != (err == nil) || ok && found != place || ok && ring.Keys()[place].Text != key.Text {
				t.Errorf("%s: at %d, %v, found at %d %v", v.Raw(), place, err, found, ok)
			}
		}
	}
	if diff := cmp.Diff(want, ring.Keys()); diff != "" {
		t.Error(diff)
	}
	made := template.NewKeyring(want)
	for i, key := range want {
		if got := made.Add(key); int(got) != i {
			t.Errorf("%+v: at %d, want %d", key, got, i)
		}
	}
	ring.Cut(20)
	if got := ring.Add(want[30]); got != 20 {
		t.Errorf("a key that was cut off is at %d", got)
	}
	if got := ring.Add(want[5]); got != 5 {
		t.Errorf("a key that was kept is at %d", got)
	}
}

package view_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/scalar"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

func anyName(string) bool { return true }

func appendAnyEnum(dst []byte, v view.Value) ([]byte, error) {
	return view.AppendEnum(dst, v, anyName, "Any")
}

func TestAppend(t *testing.T) {
	for _, c := range []struct {
		name  string
		write func([]byte, view.Value) ([]byte, error)
		// in pairs: a service's value, what is written
		cases []string
	}{
		{"String", view.AppendString, []string{`"a\u00e9\/"`, `"a\u00e9\/"`, "true", `"true"`, "3.0", `"3"`, "-0", `"0"`, "7", `"7"`, "1e21", `"1e+21"`}},
		{"ID", view.AppendID, []string{`"x"`, `"x"`, "7", `"7"`, "7.0", `"7"`, "1e3", `"1000"`, "-0", `"0"`}},
		{"Int", view.AppendInt, []string{"3", "3", "-0", "0", "3.0", "3", "3e0", "3", "true", "1", `"3"`, "3", "2147483647", "2147483647", "-99999999", "-99999999"}},
		{"Long", view.AppendLong, []string{"3", "3", "-0", "0", "9223372036854775807", "9223372036854775807", `"7"`, "7", "1e18", "1000000000000000000"}},
		{"Float", view.AppendFloat, []string{
			"3", "3", "1.5", "1.5", "1.50", "1.5", "3.0", "3", "-0", "0", "-0.0", "0", "0.0", "0", "1e3", "1000", "true", "1", `"2.5"`, "2.5",
			"0.000001", "0.000001", "0.0000001", "1e-7", "123456789012345", "123456789012345", "9007199254740993", "9007199254740992",
			"0.1000000000000000055511151231257827", "0.1", "1e300", "1e+300",
		}},
		{"Bool", view.AppendBool, []string{"true", "true", "false", "false", "0", "false", "2", "true"}},
		{"DateTime", view.AppendDateTime, []string{`"2026-03-01T09:30:00Z"`, `"2026-03-01T09:30:00Z"`, `"2026-03-01T09\u003a30:00Z"`, `"2026-03-01T09:30:00Z"`}},
		{"JSON", view.AppendJSON, []string{` {"a": 1.0} `, `{"a": 1.0}`, "false", "false"}},
		{"Enum", appendAnyEnum, []string{`"OPEN"`, `"OPEN"`, `"\u004fPEN"`, `"OPEN"`}},
	} {
		for i := 0; i < len(c.cases); i += 2 {
			src, want := c.cases[i], "["+c.cases[i+1]
			if got, err := c.write([]byte("["), mustParse(t, src)); err != nil || string(got) != want {
				t.Errorf("%s %s: got %s, %v; want %s", c.name, src, got, err, want)
			}
		}
	}
}

// FuzzAppend: what an Append function writes is what marshalling the coercion's result writes (for text the same text,
// not the same escapes), and it fails with the same error, leaving dst alone.
func FuzzAppend(f *testing.F) {
	for _, s := range []string{
		"null", "true", "0", "-0", "-0.0", "3.0", "1.50", "1e3", "1e21", "1e400", "1e-400", "123456789012345678", "0.000001", "0.0000001", "2147483648",
		"0.30000000000000004", "999999999999999.9", `"3"`, `" 1.5 "`, `"a\u00e9\n\/"`, `"2026-03-01T09:30:00Z"`, `"2026-03-01T09\u003a30:00+01:00"`, "[1,{}]", `{"a":[]}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		d, err := view.Parse([]byte(src))
		if err != nil {
			return
		}
		v := d.Root()
		same(t, v, view.AppendString, view.String, scalar.MarshalString)
		same(t, v, view.AppendID, view.ID, scalar.MarshalID)
		same(t, v, view.AppendInt, view.Int, scalar.MarshalInt)
		same(t, v, view.AppendLong, view.Long, scalar.MarshalLong)
		same(t, v, view.AppendFloat, view.Float, scalar.MarshalFloat)
		same(t, v, view.AppendBool, view.Bool, scalar.MarshalBoolean)
		same(t, v, view.AppendDateTime, view.DateTime, scalar.MarshalDateTime)
		same(t, v, view.AppendJSON, view.JSON, scalar.MarshalJSON)
		enum := func(v view.Value) (string, error) { return view.Enum(v, anyName, "Any") }
		same(t, v, appendAnyEnum, enum, scalar.MarshalString)
	})
}

func same[T any](t *testing.T, v view.Value, write func([]byte, view.Value) ([]byte, error), coerce func(view.Value) (T, error), marshal func(T) graphql.Marshaler) {
	t.Helper()
	const before = "before"
	got, gotErr := write([]byte(before), v)
	value, err := coerce(v)
	if text(gotErr) != text(err) || reflect.TypeOf(gotErr) != reflect.TypeOf(err) {
		t.Fatalf("%T of %s: got %v, want %v", value, v.Raw(), gotErr, err)
	}
	if err != nil {
		if string(got) != before {
			t.Fatalf("%T of %s: wrote %s besides the error", value, v.Raw(), got)
		}
		return
	}
	got = got[len(before):]
	if !json.Valid(got) {
		t.Fatalf("%T of %s: wrote %s", value, v.Raw(), got)
	}
	var b strings.Builder
	marshal(value).MarshalGQL(&b)
	if want := b.String(); string(got) != want && (got[0] != '"' || !reflect.DeepEqual(decode(t, got), decode(t, []byte(want)))) {
		t.Fatalf("%T of %s: wrote %s, want %s", value, v.Raw(), got, want)
	}
}

package scalar_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/scalar"
)

func written(m graphql.Marshaler) string {
	var b strings.Builder
	m.MarshalGQL(&b)
	return b.String()
}

func TestMarshal(t *testing.T) {
	for _, c := range []struct {
		got  graphql.Marshaler
		want string
	}{
		{scalar.MarshalInt(math.MinInt32), "-2147483648"},
		{scalar.MarshalLong(math.MinInt64), "-9223372036854775808"},
		{scalar.MarshalFloat(3), "3"},
		{scalar.MarshalFloat(0.1), "0.1"},
		{scalar.MarshalFloat(math.Copysign(0, -1)), "0"},
		{scalar.MarshalFloat(1e20), "100000000000000000000"},
		{scalar.MarshalFloat(1e21), "1e+21"},
		{scalar.MarshalFloat(-1.5e300), "-1.5e+300"},
		{scalar.MarshalFloat(1e-6), "0.000001"},
		{scalar.MarshalFloat(1e-7), "1e-7"},
		{scalar.MarshalFloat(5e-324), "5e-324"},
		{scalar.MarshalFloat(math.NaN()), "null"},
		{scalar.MarshalFloat(math.Inf(1)), "null"},
		{scalar.MarshalBoolean(true), "true"},
		{scalar.MarshalBoolean(false), "false"},
		{scalar.MarshalID("7"), `"7"`},
		{scalar.MarshalString(""), `""`},
		{scalar.MarshalString("a\"b\\c/d\b\f\n\r\t\x00\x1f\x7fé</script>\u2028🙂"), `"a\"b\\c/d\u0008\u000c\n\r\t\u0000\u001f` + "\x7fé</script>\u2028🙂" + `"`},
		{scalar.MarshalString("a\xffb\xe2\x82"), "\"a\uFFFDb\uFFFD\uFFFD\""},
		{scalar.MarshalString("\uFFFD"), "\"\uFFFD\""},
		{scalar.MarshalDateTime("2026-03-01T09:30:00+01:00"), `"2026-03-01T09:30:00+01:00"`},
		{scalar.MarshalDateTime(`"`), `"\""`},
		{scalar.MarshalJSON(scalar.JSON(`{"b": [1.0], "a": null}`)), `{"b": [1.0], "a": null}`},
		{scalar.MarshalJSON(nil), "null"},
		{scalar.MarshalJSON(scalar.JSON(`{`)), "null"},
	} {
		if got := written(c.got); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestMarshalFloatContext(t *testing.T) {
	var b bytes.Buffer
	if err := scalar.MarshalFloatContext(1.5).MarshalGQLContext(t.Context(), &b); err != nil || b.String() != "1.5" {
		t.Errorf("got %s, %v", b.String(), err)
	}
	err := scalar.MarshalFloatContext(math.NaN()).MarshalGQLContext(t.Context(), &b)
	if err == nil || err.Error() != "Float cannot represent non numeric value: NaN" {
		t.Errorf("NaN: got %v", err)
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\/\b\f\n\r\t\x00", "é🙂\u2028", "\xff", "\xed\xa0\x80", "x\xe2\x82"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := scalar.AppendString([]byte("before"), s)
		var got, want string
		if err := json.Unmarshal(text[len("before"):], &got); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		std, _ := json.Marshal(s)
		if err := json.Unmarshal(std, &want); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%q became %q, want %q", s, got, want)
		}
	})
}

// FuzzAppendFloat: the text is JSON, reads as the same number, and is encoding/json's but for negative zero.
func FuzzAppendFloat(f *testing.F) {
	for _, x := range []float64{0, math.Copysign(0, -1), 1, 1.5, 1e20, 1e21, 1e-6, 9.99e-7, 1e-10, 5e-324, math.MaxFloat64, 1e100} {
		f.Add(math.Float64bits(x))
	}
	f.Fuzz(func(t *testing.T, bits uint64) {
		x := math.Float64frombits(bits)
		want, err := json.Marshal(x)
		if err != nil {
			return // NaN, infinite
		}
		if x == 0 {
			want = []byte("0")
		}
		if got := scalar.AppendFloat(nil, x); !bytes.Equal(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

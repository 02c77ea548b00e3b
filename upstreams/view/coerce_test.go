package view_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/scalar"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// result is a service's value and what a coercion makes of it: want, or an error with the text err.
type result[T comparable] struct {
	src  string
	want T
	err  string
}

func checkResults[T comparable](t *testing.T, coerce func(view.Value) (T, error), results []result[T]) {
	t.Helper()
	null := view.ErrNull.Error()
	results = append(results, result[T]{src: "null", err: null}, result[T]{src: "", err: null})
	for _, c := range results {
		var v view.Value
		if c.src != "" {
			v = mustParse(t, c.src)
		}
		got, err := coerce(v)
		if c.err == "" {
			if err != nil || got != c.want {
				t.Errorf("%s: got %v, %v; want %v", c.src, got, err, c.want)
			}
			continue
		}
		if err == nil || err.Error() != c.err || got != *new(T) {
			t.Errorf("%s: got %v, %v; want the error %s", c.src, got, err, c.err)
		}
		var refused *view.CoerceError
		switch {
		case c.err == null && !errors.Is(err, view.ErrNull):
			t.Errorf("%s: not ErrNull", c.src)
		case c.err != null && (!errors.As(err, &refused) || refused.Public != c.err || fail.KindOf(err) != fail.UpstreamInvalidResponse):
			t.Errorf("%s: got %#v", c.src, err)
		}
	}
}

func TestString(t *testing.T) {
	const not = "String cannot represent value: "
	checkResults(t, view.String, []result[string]{
		{src: `""`, want: ""},
		{src: `"a\n\u00e9\/\ud83d\ude42é\b\f\r\t\"\\"`, want: "a\né/🙂é\b\f\r\t\"\\"},
		{src: "true", want: "true"},
		{src: "false", want: "false"},
		{src: "7", want: "7"},
		{src: "-0", want: "0"},
		{src: "3.0", want: "3"},
		{src: "1.50", want: "1.5"},
		{src: "1e3", want: "1000"},
		{src: "1E21", want: "1e+21"},
		{src: "0.0000001", want: "1e-7"},
		{src: "0.1234567890123456789", want: "0.1234567890123456789"},
		{src: "12345678901234567890123", want: "12345678901234567890123"},
		{src: "1e400", err: not + "a number"},
		{src: "[]", err: not + "a list"},
		{src: `{"a": [1, "x", {"b": 2}], "c": {}}`, err: not + "an object"},
	})
}

func TestID(t *testing.T) {
	const not = "ID cannot represent value: "
	checkResults(t, view.ID, []result[string]{
		{src: `"x\u0031"`, want: "x1"},
		{src: `""`, want: ""},
		{src: "7", want: "7"},
		{src: "-7.00", want: "-7"},
		{src: "-0", want: "0"},
		{src: "1e3", want: "1000"},
		{src: "1e21", want: "1000000000000000000000"},
		{src: "9007199254740993", want: "9007199254740993"},
		{src: "123456789012345678901234567890", want: "123456789012345678901234567890"},
		{src: "1.5", err: not + "a number"},
		{src: "1e400", err: not + "a number"},
		{src: "1e999999999999", err: not + "a number"},
		{src: "true", err: not + "a boolean"},
		{src: "[1, 2]", err: not + "a list"},
	})
}

func TestInt(t *testing.T) {
	const (
		notInt = "Int cannot represent non-integer value: "
		not32  = "Int cannot represent non 32-bit signed integer value: "
	)
	checkResults(t, view.Int, []result[int32]{
		{src: "0", want: 0},
		{src: "-0", want: 0},
		{src: "3.0", want: 3},
		{src: "3e0", want: 3},
		{src: "30e-1", want: 3},
		{src: "2147483647", want: math.MaxInt32},
		{src: "-2147483648", want: math.MinInt32},
		{src: "-2147483648.000", want: math.MinInt32},
		{src: "true", want: 1},
		{src: "false", want: 0},
		{src: `"3"`, want: 3},
		{src: `"\u0033"`, want: 3},
		{src: `" +007.0e0\n"`, want: 7},
		{src: `"-.5e1"`, want: -5},
		{src: "2147483648", err: not32 + "a number"},
		{src: "-2147483649", err: not32 + "a number"},
		{src: "1e300", err: not32 + "a number"},
		{src: `"1e300"`, err: not32 + "a string"},
		{src: "1e400", err: notInt + "a number"},
		{src: "1.5", err: notInt + "a number"},
		{src: "3.0000000000000000000001", err: notInt + "a number"},
		{src: `"abc"`, err: notInt + "a string"},
		{src: `""`, err: notInt + "a string"},
		{src: `" "`, err: notInt + "a string"},
		{src: `"0x10"`, err: notInt + "a string"},
		{src: `"1_000"`, err: notInt + "a string"},
		{src: `"Infinity"`, err: notInt + "a string"},
		{src: "{}", err: notInt + "an object"},
		{src: "[3]", err: notInt + "a list"},
	})
}

func TestLong(t *testing.T) {
	const (
		notInt = "Long cannot represent non-integer value: "
		not64  = "Long cannot represent non 64-bit signed integer value: "
	)
	checkResults(t, view.Long, []result[int64]{
		{src: "9223372036854775807", want: math.MaxInt64},
		{src: "-9223372036854775808", want: math.MinInt64},
		{src: "9007199254740993", want: 9007199254740993},
		{src: "9.223372036854775807e18", want: math.MaxInt64},
		{src: `"-9223372036854775808"`, want: math.MinInt64},
		{src: "9223372036854775808", err: not64 + "a number"},
		{src: "-9223372036854775809", err: not64 + "a number"},
		{src: "10000000000000000000", err: not64 + "a number"},
		{src: `"1e19"`, err: not64 + "a string"},
		{src: "0.5", err: notInt + "a number"},
		{src: "true", err: notInt + "a boolean"},
		{src: `"x"`, err: notInt + "a string"},
	})
}

func TestFloat(t *testing.T) {
	const not = "Float cannot represent non numeric value: "
	checkResults(t, view.Float, []result[float64]{
		{src: "1", want: 1},
		{src: "1.5e300", want: 1.5e300},
		{src: "0.1", want: 0.1},
		{src: "true", want: 1},
		{src: "false", want: 0},
		{src: `"1.5"`, want: 1.5},
		{src: `" .5 "`, want: 0.5},
		{src: "1e-400", want: 0},
		{src: "9007199254740993", want: 9007199254740992},
		{src: "1.7976931348623157e308", want: math.MaxFloat64},
		{src: "1.8e308", err: not + "a number"},
		{src: "1e400", err: not + "a number"},
		{src: `"1e400"`, err: not + "a string"},
		{src: `"NaN"`, err: not + "a string"},
		{src: `"inf"`, err: not + "a string"},
		{src: `"0x1p4"`, err: not + "a string"},
		{src: `""`, err: not + "a string"},
		{src: "[]", err: not + "a list"},
	})
	for _, src := range []string{"-0", "-0.0e5", "-1e-400", `"-0"`} {
		if f, err := view.Float(mustParse(t, src)); err != nil || f != 0 || math.Signbit(f) {
			t.Errorf("%s: got %v, %v", src, f, err)
		}
	}
}

func TestBool(t *testing.T) {
	const not = "Boolean cannot represent a non boolean value: "
	checkResults(t, view.Bool, []result[bool]{
		{src: "true", want: true},
		{src: "false", want: false},
		{src: "0", want: false},
		{src: "-0.0e9", want: false},
		{src: "1e-400", want: false},
		{src: "0.1", want: true},
		{src: "-1", want: true},
		{src: "1e400", err: not + "a number"},
		{src: `"true"`, err: not + "a string"},
		{src: `""`, err: not + "a string"},
		{src: "{}", err: not + "an object"},
	})
}

func TestDateTime(t *testing.T) {
	const not = "DateTime cannot represent a value that is not RFC 3339: "
	checkResults(t, view.DateTime, []result[scalar.DateTime]{
		{src: `"2026-03-01T09:30:00.000+01:00"`, want: "2026-03-01T09:30:00.000+01:00"},
		{src: `"2026-03-01T09\u003a30:00Z"`, want: "2026-03-01T09:30:00Z"},
		{src: `"2026-02-30T09:30:00Z"`, err: not + "a string"},
		{src: `"tomorrow"`, err: not + "a string"},
		{src: "1772357400", err: not + "a number"},
	})
}

func TestJSON(t *testing.T) {
	checkResults(t, func(v view.Value) (string, error) {
		text, err := view.JSON(v)
		return string(text), err
	}, []result[string]{
		{src: `{"a": [1.0, "\u00e9"]}`, want: `{"a": [1.0, "\u00e9"]}`},
		{src: " false ", want: "false"},
	})

	src := []byte(`[1]`)
	d, err := view.Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	text, err := view.JSON(d.Root())
	if err != nil {
		t.Fatal(err)
	}
	src[1] = '2'
	if string(text) != "[1]" {
		t.Error("JSON isn't a copy")
	}
}

func TestEnum(t *testing.T) {
	const not = `Enum "Status" cannot represent value: `
	known := func(s string) bool { return s == "OPEN" || s == "CLOSED" }
	checkResults(t, func(v view.Value) (string, error) { return view.Enum(v, known, "Status") }, []result[string]{
		{src: `"OPEN"`, want: "OPEN"},
		{src: `"\u004fPEN"`, want: "OPEN"},
		{src: `"foo"`, err: not + "a string"},
		{src: `"open"`, err: not + "a string"},
		{src: "1", err: not + "a number"},
		{src: "[]", err: not + "a list"},
	})
}

// What a service answered is for a field's reader when it fits; when it doesn't, nobody has said who may read it.
func TestErrorsTellNoValues(t *testing.T) {
	const not = "ID cannot represent value: "
	checkResults(t, view.ID, []result[string]{
		{src: `{"secret": "secret"}`, err: not + "an object"},
		{src: `["secret"]`, err: not + "a list"},
		{src: `1.75`, err: not + "a number"},
		{src: `false`, err: not + "a boolean"},
	})
	for _, err := range []error{
		view.ObjectErr(mustParse(t, `"secret"`), "T"), view.ListErr(mustParse(t, `{"secret": "secret"}`)), view.NoType("T", mustParse(t, `"secret"`)),
	} {
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
	}
}

// An error message costs what it shows, however large the value is.
func TestErrorsAreCheap(t *testing.T) {
	v := mustParse(t, `[`+strings.Repeat(`{"some name": ["and a text"]},`, 10_000)+`0]`)
	if allocs := testing.AllocsPerRun(10, func() { _, _ = view.Int(v) }); allocs > 50 {
		t.Errorf("%v allocations for one error about 20,000 values", allocs)
	}
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

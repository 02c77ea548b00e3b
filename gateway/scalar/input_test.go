package scalar_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/scalar"
)

// input is a client's value and what a scalar makes of it: want, or an error with the text err.
type input[T comparable] struct {
	in   any
	want T
	err  string
}

func checkInputs[T comparable](t *testing.T, unmarshal func(any) (T, error), inputs []input[T]) {
	t.Helper()
	for _, c := range inputs {
		got, err := unmarshal(c.in)
		if c.err == "" {
			if err != nil || got != c.want {
				t.Errorf("%T %v: got %v, %v; want %v", c.in, c.in, got, err, c.want)
			}
			continue
		}
		var refused *scalar.Error
		if !errors.As(err, &refused) || refused.Public != c.err || err.Error() != c.err {
			t.Errorf("%T %v: got %v, %v; want the error %s", c.in, c.in, got, err, c.err)
		}
		if got != *new(T) {
			t.Errorf("%T %v: got %v besides the error", c.in, c.in, got)
		}
	}
}

func TestUnmarshalInt(t *testing.T) {
	const (
		notInt = "Int cannot represent non-integer value: "
		not32  = "Int cannot represent non 32-bit signed integer value: "
	)
	checkInputs(t, scalar.UnmarshalInt, []input[int32]{
		{in: 3, want: 3},
		{in: int32(-3), want: -3},
		{in: int64(2147483647), want: 2147483647},
		{in: int64(-2147483648), want: -2147483648},
		{in: 3.0, want: 3},
		{in: math.Copysign(0, -1), want: 0},
		{in: json.Number("3"), want: 3},
		{in: json.Number("3.0"), want: 3},
		{in: json.Number("30e-1"), want: 3},
		{in: json.Number("0.3e1"), want: 3},
		{in: json.Number("-0"), want: 0},
		{in: json.Number("0e999"), want: 0},
		{in: int64(2147483648), err: not32 + "2147483648"},
		{in: json.Number("-2147483649"), err: not32 + "-2147483649"},
		{in: json.Number("1e300"), err: not32 + "1e300"},
		{in: json.Number("1e400"), err: notInt + "1e400"},
		{in: json.Number("1e-999999999"), err: notInt + "1e-999999999"},
		{in: json.Number("3.00000000000000000000001"), err: notInt + "3.00000000000000000000001"},
		{in: 1.5, err: notInt + "1.5"},
		{in: math.NaN(), err: notInt + "NaN"},
		{in: math.Inf(1), err: notInt + "+Inf"},
		{in: "1", err: notInt + `"1"`},
		{in: "", err: notInt + `""`},
		{in: true, err: notInt + "true"},
		{in: nil, err: notInt + "null"},
		{in: []any{1, "a", nil}, err: notInt + `[1, "a", null]`},
		{in: map[string]any{"b": 1, "a": []any{}}, err: notInt + "{ a: [], b: 1 }"},
		{in: struct{ Secret string }{"x"}, err: notInt + "a value of another type"},
	})
}

func TestUnmarshalLong(t *testing.T) {
	const (
		notInt = "Long cannot represent non-integer value: "
		not64  = "Long cannot represent non 64-bit signed integer value: "
	)
	checkInputs(t, scalar.UnmarshalLong, []input[int64]{
		{in: 3, want: 3},
		{in: int64(math.MinInt64), want: math.MinInt64},
		{in: json.Number("9223372036854775807"), want: math.MaxInt64},
		{in: json.Number("9007199254740993"), want: 9007199254740993},
		{in: json.Number("9.007199254740993e15"), want: 9007199254740993},
		{in: "9223372036854775807", want: math.MaxInt64},
		{in: "-1", want: -1},
		{in: "9223372036854775808", err: not64 + `"9223372036854775808"`},
		{in: json.Number("9223372036854775808"), err: not64 + "9223372036854775808"},
		{in: "", err: notInt + `""`},
		{in: "-", err: notInt + `"-"`},
		{in: "1.0", err: notInt + `"1.0"`},
		{in: " 1", err: notInt + `" 1"`},
		{in: 0.5, err: notInt + "0.5"},
		{in: false, err: notInt + "false"},
	})
}

func TestUnmarshalFloat(t *testing.T) {
	const not = "Float cannot represent non numeric value: "
	checkInputs(t, scalar.UnmarshalFloat, []input[float64]{
		{in: 3, want: 3},
		{in: int32(3), want: 3},
		{in: int64(3), want: 3},
		{in: 1.5, want: 1.5},
		{in: json.Number("1.5e3"), want: 1500},
		{in: json.Number("1e-400"), want: 0},
		{in: json.Number("1e400"), err: not + "1e400"},
		{in: math.Inf(-1), err: not + "-Inf"},
		{in: "1.5", err: not + `"1.5"`},
		{in: true, err: not + "true"},
		{in: nil, err: not + "null"},
	})
	got, err := scalar.UnmarshalFloatContext(t.Context(), 1.5)
	if got != 1.5 || err != nil {
		t.Errorf("UnmarshalFloatContext: got %v, %v", got, err)
	}
}

func TestUnmarshalString(t *testing.T) {
	const not = "String cannot represent a non string value: "
	checkInputs(t, scalar.UnmarshalString, []input[string]{
		{in: "", want: ""},
		{in: "é", want: "é"},
		{in: 1, err: not + "1"},
		{in: json.Number("1.50"), err: not + "1.50"},
		{in: true, err: not + "true"},
		{in: nil, err: not + "null"},
		{in: []any{"a"}, err: not + `["a"]`},
	})
}

func TestUnmarshalID(t *testing.T) {
	const not = "ID cannot represent value: "
	checkInputs(t, scalar.UnmarshalID, []input[string]{
		{in: "", want: ""},
		{in: "a b", want: "a b"},
		{in: "007", want: "007"},
		{in: 7, want: "7"},
		{in: int64(-7), want: "-7"},
		{in: 7.0, want: "7"},
		{in: 1e21, want: "1000000000000000000000"},
		{in: json.Number("7.0"), want: "7"},
		{in: json.Number("1e3"), want: "1000"},
		{in: json.Number("123456789012345678901234567890"), want: "123456789012345678901234567890"},
		{in: json.Number("1.5"), err: not + "1.5"},
		{in: json.Number("1e999999999"), err: not + "1e999999999"},
		{in: 1.5, err: not + "1.5"},
		{in: true, err: not + "true"},
		{in: nil, err: not + "null"},
		{in: map[string]any{}, err: not + "{}"},
	})
}

func TestUnmarshalBoolean(t *testing.T) {
	const not = "Boolean cannot represent a non boolean value: "
	checkInputs(t, scalar.UnmarshalBoolean, []input[bool]{
		{in: true, want: true},
		{in: false, want: false},
		{in: 1, err: not + "1"},
		{in: "true", err: not + `"true"`},
		{in: nil, err: not + "null"},
	})
}

func TestErrorsAreShort(t *testing.T) {
	const not = "Boolean cannot represent a non boolean value: "
	ten := []any{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	deep := map[string]any{"a": map[string]any{"b": map[string]any{"c": 1}, "d": []any{1}}}
	checkInputs(t, scalar.UnmarshalBoolean, []input[bool]{
		{in: strings.Repeat("é", 58), err: not + `"` + strings.Repeat("é", 58) + `"`},
		{in: strings.Repeat("é", 59), err: not + `"` + strings.Repeat("é", 59) + "…"},
		{in: strings.Repeat("x", 1<<20), err: not + `"` + strings.Repeat("x", 59) + "…"},
		{in: ten, err: not + "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"},
		{in: append(ten, 11), err: not + "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ... 1 more item]"},
		{in: append(ten, 11, 12), err: not + "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ... 2 more items]"},
		{in: deep, err: not + "{ a: { b: [Object], d: [Array] } }"},
	})
}

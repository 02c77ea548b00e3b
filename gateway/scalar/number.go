package scalar

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
)

// MarshalInt writes an Int.
func MarshalInt(i int32) graphql.Marshaler { return raw(strconv.AppendInt(nil, int64(i), 10)) }

// UnmarshalInt takes integral numbers of 32 bits: 3 and 3.0, but not "3".
func UnmarshalInt(v any) (int32, error) {
	digits, ok := integerText(v)
	if !ok {
		return 0, refuse("Int cannot represent non-integer value: ", v)
	}
	i, err := strconv.ParseInt(digits, 10, 32)
	if err != nil {
		return 0, refuse("Int cannot represent non 32-bit signed integer value: ", v)
	}
	return int32(i), nil
}

// MarshalLong writes a Long, as a number. JavaScript reads more than 53 bits of it wrongly unless told otherwise.
func MarshalLong(i int64) graphql.Marshaler { return raw(strconv.AppendInt(nil, i, 10)) }

// UnmarshalLong takes integral numbers of 64 bits. JavaScript can't write all of them, so it takes decimal digits in a
// string as well.
func UnmarshalLong(v any) (int64, error) {
	digits, ok := integerText(v)
	if s, isString := v.(string); isString {
		digits, ok = s, isDecimal(s)
	}
	if !ok {
		return 0, refuse("Long cannot represent non-integer value: ", v)
	}
	i, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, refuse("Long cannot represent non 64-bit signed integer value: ", v)
	}
	return i, nil
}

// MarshalFloat writes a Float, and null for what JSON can't say: NaN and the infinities. MarshalFloatContext has an
// error for them.
func MarshalFloat(f float64) graphql.Marshaler {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return graphql.Null
	}
	return raw(AppendFloat(nil, f))
}

// UnmarshalFloat takes numbers that a double can hold.
func UnmarshalFloat(v any) (float64, error) {
	f := math.NaN()
	switch v := v.(type) {
	case float64:
		f = v
	case int:
		f = float64(v)
	case int32:
		f = float64(v)
	case int64:
		f = float64(v)
	case json.Number:
		if parsed, err := strconv.ParseFloat(string(v), 64); err == nil {
			f = parsed
		}
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, refuse("Float cannot represent non numeric value: ", v)
	}
	return f, nil
}

// MarshalFloatContext is MarshalFloat with an error for NaN and the infinities.
func MarshalFloatContext(f float64) graphql.ContextMarshaler {
	return graphql.ContextWriterFunc(func(_ context.Context, w io.Writer) error {
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return refuse("Float cannot represent non numeric value: ", f)
		}
		_, err := w.Write(AppendFloat(nil, f))
		return err
	})
}

// UnmarshalFloatContext is UnmarshalFloat.
func UnmarshalFloatContext(_ context.Context, v any) (float64, error) { return UnmarshalFloat(v) }

// AppendFloat appends the shortest text that reads as f, in the form JavaScript gives it: plain from 1e-6 to below 1e21,
// and 0 for -0. f must be finite.
func AppendFloat(dst []byte, f float64) []byte {
	if f == 0 {
		return append(dst, '0')
	}
	if size := math.Abs(f); size >= 1e-6 && size < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// Go writes at least two digits of exponent, JavaScript only those it needs.
	if n := len(dst); n >= 4 && dst[n-2] == '0' && (dst[n-3] == '-' || dst[n-3] == '+') {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// integerText is the decimal digits of an integral number, in whatever way gqlgen decoded it.
func integerText(v any) (digits string, ok bool) {
	switch v := v.(type) {
	case int:
		return strconv.Itoa(v), true
	case int32:
		return strconv.FormatInt(int64(v), 10), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		if v != math.Trunc(v) || math.IsInf(v, 0) {
			return "", false
		}
		return strconv.FormatFloat(v+0, 'f', 0, 64), true
	case json.Number:
		return integralNumber(string(v))
	}
	return "", false
}

// integralNumber writes a JSON number without point and exponent if it's integral and not greater than every double.
func integralNumber(text string) (digits string, ok bool) {
	d, ok := ParseDecimal([]byte(text))
	if !ok || !d.IsIntegral() || !d.IsFinite() {
		return "", false
	}
	return string(d.AppendInteger(nil)), true
}

// isDecimal reports whether s is digits, after a minus sign or none.
func isDecimal(s string) bool {
	s = strings.TrimPrefix(s, "-")
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

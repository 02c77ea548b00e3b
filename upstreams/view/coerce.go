package view

import (
	"bytes"
	"strconv"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/scalar"
)

// The coercions below are those of results (GraphQL October 2021, section 3.5) as graphql-js serialises them, with one
// difference: graphql-js sees numbers after they were rounded to a double, here they are exact. For null and absent
// values they return ErrNull, which Opt turns into nil; for what can't become the type, a *CoerceError.

// ErrNull says that a value that must be there is null or absent. The text is graphql-js's.
var ErrNull error = fail.New(fail.UpstreamInvalidResponse, "Cannot return null for non-nullable field.")

// CoerceError says that a service's value can't become the type that the schema promises.
type CoerceError struct {
	// Public is the text for the client: the GraphQL type, and what the value is, without the value.
	Public string
}

// Error is the public text.
func (e *CoerceError) Error() string { return e.Public }

// Unwrap gives the error its kind, fail.UpstreamInvalidResponse.
func (e *CoerceError) Unwrap() error { return fail.New(fail.UpstreamInvalidResponse, e.Public) }

// cannot is the error of v under a text that ends before the value, or ErrNull when there is no value.
func cannot(text string, v Value) error {
	if v.IsNull() {
		return ErrNull
	}
	return &CoerceError{Public: text + inspect(v)}
}

const (
	notString   = "String cannot represent value: "
	notID       = "ID cannot represent value: "
	notInt      = "Int cannot represent non-integer value: "
	notInt32    = "Int cannot represent non 32-bit signed integer value: "
	notLong     = "Long cannot represent non-integer value: "
	notInt64    = "Long cannot represent non 64-bit signed integer value: "
	notFloat    = "Float cannot represent non numeric value: "
	notBool     = "Boolean cannot represent a non boolean value: "
	notDateTime = "DateTime cannot represent a value that is not RFC 3339: "
)

// String takes strings, numbers (3.0 is "3", 1e3 is "1000") and bools ("true").
func String(v Value) (string, error) {
	switch v.Kind() {
	case KindString:
		return v.text(), nil
	case KindBool:
		return strconv.FormatBool(v.isTrue()), nil
	case KindNumber:
		if text, ok := appendNumberText(nil, v.Raw()); ok {
			return string(text), nil
		}
	}
	return "", cannot(notString, v)
}

// ID takes strings and integral numbers (3.0 is "3"), the latter in all their digits.
func ID(v Value) (string, error) {
	switch v.Kind() {
	case KindString:
		return v.text(), nil
	case KindNumber:
		if text, ok := appendIntegerText(nil, v.Raw()); ok {
			return string(text), nil
		}
	}
	return "", cannot(notID, v)
}

// Int takes integral numbers of 32 bits (3.0 and 3e0 too), strings that hold one, and bools (1 and 0).
func Int(v Value) (int32, error) {
	if v.Kind() == KindBool {
		return int32(v.bit()), nil
	}
	d, ok := v.number()
	if !ok || !d.IsIntegral() || !d.IsFinite() {
		return 0, cannot(notInt, v)
	}
	i, ok := d.Int64()
	if !ok || int64(int32(i)) != i {
		return 0, cannot(notInt32, v)
	}
	return int32(i), nil
}

// Long takes integral numbers of 64 bits and strings that hold one.
func Long(v Value) (int64, error) {
	d, ok := v.number()
	if !ok || !d.IsIntegral() {
		return 0, cannot(notLong, v)
	}
	i, ok := d.Int64()
	if !ok {
		return 0, cannot(notInt64, v)
	}
	return i, nil
}

// Float takes numbers that a double can hold, strings that hold one, and bools (1 and 0). There is no negative zero.
func Float(v Value) (float64, error) {
	if v.Kind() == KindBool {
		return float64(v.bit()), nil
	}
	if d, ok := v.number(); ok && d.Significant() == 0 {
		return 0, nil
	} else if ok {
		if f, err := strconv.ParseFloat(string(v.numberText()), 64); err == nil {
			return f + 0, nil // -1e-999 is rounded to -0, and -0 + 0 is 0
		}
	}
	return 0, cannot(notFloat, v)
}

// Bool takes bools, and numbers: 0 is false, every other is true.
func Bool(v Value) (bool, error) {
	switch v.Kind() {
	case KindBool:
		return v.isTrue(), nil
	case KindNumber:
		if d, ok := scalar.ParseDecimal(v.Raw()); ok && d.IsFinite() {
			return !d.IsZero(), nil
		}
	}
	return false, cannot(notBool, v)
}

// DateTime takes strings that are a date and time as RFC 3339 writes it, and leaves them as they are.
func DateTime(v Value) (scalar.DateTime, error) {
	if v.Kind() == KindString {
		if text, err := scalar.ParseDateTime(v.text()); err == nil {
			return text, nil
		}
	}
	return "", cannot(notDateTime, v)
}

// JSON takes every value but null, as a copy of the service's bytes.
func JSON(v Value) (scalar.JSON, error) {
	if v.IsNull() {
		return nil, ErrNull
	}
	return bytes.Clone(v.Raw()), nil
}

// Enum takes the strings that are values of the enum: those that valid accepts. typeName is for the error.
func Enum(v Value, valid func(string) bool, typeName string) (string, error) {
	if v.Kind() == KindString {
		if name := v.text(); valid(name) {
			return name, nil
		}
	}
	return "", cannot(`Enum "`+typeName+`" cannot represent value: `, v)
}

// bit is 1 for true. v must be a bool.
func (v Value) bit() int {
	if v.isTrue() {
		return 1
	}
	return 0
}

// number is the number that v is, or that v holds as a string.
func (v Value) number() (d scalar.Decimal, ok bool) {
	if k := v.Kind(); k != KindNumber && k != KindString {
		return scalar.Decimal{}, false
	}
	return scalar.ParseDecimal(v.numberText())
}

// numberText is a number as written, or what may be one inside a string: its text without white space around.
func (v Value) numberText() []byte {
	raw := v.Raw()
	if v.Kind() == KindNumber {
		return raw
	}
	raw = raw[1 : len(raw)-1]
	if v.at().meta&escaped != 0 {
		raw = unescape(nil, raw)
	}
	return bytes.TrimSpace(raw)
}

// maxPlain is how many bytes a plain integer may have so that it's surely not greater than every double.
const maxPlain = 309

// isPlain reports whether raw, a JSON number, is an integer that can only be written this way.
func isPlain(raw []byte) bool {
	for _, c := range raw {
		if c == '.' || c|0x20 == 'e' {
			return false
		}
	}
	return string(raw) != "-0"
}

// appendNumberText appends a number as String writes it; not ok is what's too big for a double.
func appendNumberText(dst, raw []byte) (_ []byte, ok bool) {
	if isPlain(raw) && len(raw) <= maxPlain {
		return append(dst, raw...), true
	}
	d, _ := scalar.ParseDecimal(raw)
	if !d.IsFinite() {
		return dst, false
	}
	return d.AppendText(dst), true
}

// appendIntegerText appends a number as ID writes it; not ok is what's not integral, or too big for a double.
func appendIntegerText(dst, raw []byte) (_ []byte, ok bool) {
	if isPlain(raw) && len(raw) <= maxPlain {
		return append(dst, raw...), true
	}
	d, _ := scalar.ParseDecimal(raw)
	if !d.IsIntegral() || !d.IsFinite() {
		return dst, false
	}
	return d.AppendInteger(dst), true
}

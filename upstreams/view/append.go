package view

import (
	"strconv"

	"github.com/tributary-gateway/tributary/gateway/scalar"
)

// Each Append function writes the JSON of what the coercion of the same name returns, and has its errors; dst comes back
// unchanged then. What the service sent is copied where it's already right.

// AppendString appends String's result.
func AppendString(dst []byte, v Value) ([]byte, error) {
	switch v.Kind() {
	case KindString:
		return append(dst, v.Raw()...), nil
	case KindBool:
		return appendQuoted(dst, v.Raw()), nil
	case KindNumber:
		if quoted, ok := appendNumberText(append(dst, '"'), v.Raw()); ok {
			return append(quoted, '"'), nil
		}
	}
	return dst, cannot(notString, v)
}

// AppendID appends ID's result.
func AppendID(dst []byte, v Value) ([]byte, error) {
	switch v.Kind() {
	case KindString:
		return append(dst, v.Raw()...), nil
	case KindNumber:
		if quoted, ok := appendIntegerText(append(dst, '"'), v.Raw()); ok {
			return append(quoted, '"'), nil
		}
	}
	return dst, cannot(notID, v)
}

// AppendInt appends Int's result.
func AppendInt(dst []byte, v Value) ([]byte, error) {
	// Nine digits and a sign are always 32 bits.
	if raw := v.Raw(); v.Kind() == KindNumber && len(raw) <= 9 && isPlain(raw) {
		return append(dst, raw...), nil
	}
	i, err := Int(v)
	if err != nil {
		return dst, err
	}
	return strconv.AppendInt(dst, int64(i), 10), nil
}

// AppendLong appends Long's result.
func AppendLong(dst []byte, v Value) ([]byte, error) {
	if raw := v.Raw(); v.Kind() == KindNumber && len(raw) <= 18 && isPlain(raw) {
		return append(dst, raw...), nil
	}
	i, err := Long(v)
	if err != nil {
		return dst, err
	}
	return strconv.AppendInt(dst, i, 10), nil
}

// AppendFloat appends Float's result.
func AppendFloat(dst []byte, v Value) ([]byte, error) {
	if raw := v.Raw(); v.Kind() == KindNumber && isShortest(raw) {
		return append(dst, raw...), nil
	}
	f, err := Float(v)
	if err != nil {
		return dst, err
	}
	return scalar.AppendFloat(dst, f), nil
}

// AppendBool appends Bool's result.
func AppendBool(dst []byte, v Value) ([]byte, error) {
	b, err := Bool(v)
	if err != nil {
		return dst, err
	}
	return strconv.AppendBool(dst, b), nil
}

// AppendDateTime appends DateTime's result.
func AppendDateTime(dst []byte, v Value) ([]byte, error) {
	if v.Kind() == KindString && v.at().meta&escaped == 0 {
		if raw := v.Raw(); scalar.IsDateTime(raw[1 : len(raw)-1]) {
			return append(dst, raw...), nil
		}
	}
	t, err := DateTime(v)
	if err != nil {
		return dst, err
	}
	return scalar.AppendString(dst, string(t)), nil
}

// AppendJSON appends JSON's result.
func AppendJSON(dst []byte, v Value) ([]byte, error) {
	if v.IsNull() {
		return dst, ErrNull
	}
	return append(dst, v.Raw()...), nil
}

// AppendEnum appends Enum's result.
func AppendEnum(dst []byte, v Value, valid func(string) bool, typeName string) ([]byte, error) {
	name, err := Enum(v, valid, typeName)
	if err != nil {
		return dst, err
	}
	return scalar.AppendString(dst, name), nil
}

func appendQuoted(dst, text []byte) []byte {
	return append(append(append(dst, '"'), text...), '"')
}

// isShortest reports whether raw, a JSON number, is surely the shortest text of its double. It is when it has at most
// fifteen digits (no two of such length share a double), no exponent, and no zeros that could go.
func isShortest(raw []byte) bool {
	if len(raw) > 15 {
		return false
	}
	if isPlain(raw) {
		return true
	}
	for _, c := range raw {
		if c|0x20 == 'e' {
			return false
		}
	}
	// From here on there is a fraction, or it's "-0". Below 1e-6 the shortest text has an exponent.
	d, _ := scalar.ParseDecimal(raw)
	return d.Significant() > d.Point() && d.Point() > -6 && raw[len(raw)-1] != '0'
}

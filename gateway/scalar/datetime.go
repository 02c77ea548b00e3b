package scalar

import (
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// DateTime is a date and time as RFC 3339 writes it, such as 2026-03-01T09:30:00+01:00. It's kept as text, so that what a
// service sent arrives as it was, with its offset and its digits.
type DateTime string

const notDateTime = "DateTime cannot represent a value that is not RFC 3339: "

// ParseDateTime makes sure that s is a DateTime: a real date, a T and a Z in upper case, no leap second.
func ParseDateTime(s string) (DateTime, error) {
	if !IsDateTime([]byte(s)) {
		return "", refuse(notDateTime, s)
	}
	return DateTime(s), nil
}

// IsDateTime reports whether ParseDateTime would take text.
func IsDateTime(text []byte) bool {
	if new(time.Time).UnmarshalText(text) != nil {
		return false
	}
	// What Go takes and RFC 3339 doesn't (https://go.dev/issue/54580): an hour of one digit, a comma before the fraction,
	// offsets beyond 23:59.
	const hourEnd, secondEnd = len("2006-01-02T15"), len("2006-01-02T15:04:05")
	if text[hourEnd] != ':' || text[secondEnd] == ',' {
		return false
	}
	offset := text[len(text)-len("Z07:00"):]
	return text[len(text)-1] == 'Z' || string(offset[1:3]) < "24" && string(offset[4:]) < "60"
}

// FromTime writes t with as many digits of a second as it has, up to nine.
func FromTime(t time.Time) DateTime { return DateTime(t.Format(time.RFC3339Nano)) }

// Time is the instant, in the offset that the text has. It fails for a DateTime that was made from any text.
func (d DateTime) Time() (time.Time, error) {
	var t time.Time
	if !IsDateTime([]byte(d)) || t.UnmarshalText([]byte(d)) != nil {
		return time.Time{}, refuse(notDateTime, string(d))
	}
	return t, nil
}

// MarshalDateTime writes a DateTime.
func MarshalDateTime(d DateTime) graphql.Marshaler { return raw(AppendString(nil, string(d))) }

// UnmarshalDateTime takes strings that ParseDateTime takes.
func UnmarshalDateTime(v any) (DateTime, error) {
	if s, ok := v.(string); ok {
		return ParseDateTime(s)
	}
	return "", refuse(notDateTime, v)
}

package rfc9111

import (
	"strconv"
	"strings"
	"time"
)

// Directives are what the Cache-Control fields of one message say. Those that no cache of this kind acts on aren't there.
type Directives struct {
	// Present says that there is such a field at all.
	Present bool
	// Broken says that a part of it can't be read, and so might have said anything.
	Broken bool

	NoStore, NoCache, Public, Private               bool
	MustRevalidate, ProxyRevalidate, MustUnderstand bool
	OnlyIfCached                                    bool

	// PrivateFields and NoCacheFields are the fields that private="…" and no-cache="…" name, in canonical form. The
	// directive isn't set then.
	PrivateFields, NoCacheFields []string

	MaxAge, SMaxAge, MinFresh          Seconds
	StaleWhileRevalidate, StaleIfError Seconds
}

// Seconds is a time that a directive gives, if it's there.
type Seconds struct {
	Set   bool
	Value time.Duration
}

// most is the largest number of seconds, what larger ones count as (section 1.2.2).
const most = 1 << 31

// Parse reads Cache-Control fields. Names have no case, values may be quoted where they needn't be, and members that
// aren't known are skipped. Of directives that contradict each other the most restrictive counts, and a time that can't
// be read is 0 (section 4.2.1).
func Parse(fields []string) Directives {
	d := Directives{Present: len(fields) > 0}
	for _, field := range fields {
		for rest := field; rest != ""; {
			var name, value string
			var has, ok bool
			name, value, has, rest, ok = member(rest)
			switch {
			case !ok:
				d.Broken = true
			case name != "":
				d.set(name, value, has)
			}
		}
	}
	return d
}

func (d *Directives) set(name, value string, has bool) {
	switch lower(name) {
	case "no-store": // what forbids does so whatever stands behind it
		d.NoStore = true
	case "must-revalidate":
		d.MustRevalidate = true
	case "proxy-revalidate":
		d.ProxyRevalidate = true
	case "only-if-cached":
		d.OnlyIfCached = true
	case "public": // what allows does so as it is written in the RFC only
		d.Public = d.Public || !has
	case "must-understand":
		d.MustUnderstand = d.MustUnderstand || !has
	case "private":
		d.Private = !d.names(&d.PrivateFields, value, has) || d.Private
	case "no-cache":
		d.NoCache = !d.names(&d.NoCacheFields, value, has) || d.NoCache
	case "max-age":
		d.MaxAge.least(value)
	case "s-maxage":
		d.SMaxAge.least(value)
	case "min-fresh":
		d.MinFresh.largest(value)
	case "stale-while-revalidate":
		d.StaleWhileRevalidate.least(value)
	case "stale-if-error":
		d.StaleIfError.least(value)
	}
}

// names adds the fields of a list; it's false when the list has none, or something else.
func (d *Directives) names(to *[]string, value string, has bool) bool {
	if !has {
		return false
	}
	found := false
	for name := range strings.SplitSeq(value, ",") {
		name = strings.Trim(name, " \t")
		switch {
		case name == "":
		case !isToken(name):
			return false
		default:
			found = true
			*to = append(*to, canonical(name))
		}
	}
	return found
}

func (s *Seconds) least(value string) {
	if v := seconds(value); !s.Set || v < s.Value {
		*s = Seconds{true, v}
	}
}

func (s *Seconds) largest(value string) {
	if v := seconds(value); !s.Set || v > s.Value {
		*s = Seconds{true, v}
	}
}

// seconds reads delta-seconds; what isn't that is 0.
func seconds(text string) time.Duration {
	v, _ := deltaSeconds(text)
	return v
}

// deltaSeconds reads 1*DIGIT.
func deltaSeconds(text string) (time.Duration, bool) {
	if text == "" {
		return 0, false
	}
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > most { // too many digits
		n = most
	}
	return time.Duration(n) * time.Second, true
}

// member takes one member off a list: token [ "=" ( token / quoted-string ) ], with whitespace around it. When it is
// something else, ok is false, and the rest begins after the next comma.
func member(list string) (name, value string, has bool, rest string, ok bool) {
	list = strings.TrimLeft(list, " \t")
	n := tokenLen(list)
	name, rest = list[:n], list[n:]
	if strings.HasPrefix(rest, "=") && n > 0 {
		has = true
		rest = rest[1:]
		if strings.HasPrefix(rest, `"`) {
			if value, rest, ok = unquote(rest); !ok {
				return "", "", false, "", false // where it ends nobody knows
			}
		} else {
			n = tokenLen(rest)
			value, rest = rest[:n], rest[n:]
		}
	}
	trimmed := strings.TrimLeft(rest, " \t")
	if trimmed == "" {
		return name, value, has, "", true
	}
	if trimmed[0] == ',' {
		return name, value, has, trimmed[1:], true
	}
	// A time with something behind it, such as max-age=1.5, is one that can't be read.
	_, rest, _ = strings.Cut(rest, ",")
	if has {
		return name, "!", true, rest, true
	}
	return "", "", false, rest, false
}

// unquote takes a quoted-string off (RFC 9110, section 5.6.4).
func unquote(text string) (value, rest string, ok bool) {
	var escaped []byte
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			if escaped != nil {
				return string(escaped), text[i+1:], true
			}
			return text[1:i], text[i+1:], true
		case c == '\\' && i+1 < len(text):
			if escaped == nil {
				escaped = append(make([]byte, 0, len(text)), text[1:i]...)
			}
			i++
			escaped = append(escaped, text[i])
		case escaped != nil:
			escaped = append(escaped, c)
		}
	}
	return "", "", false
}

// tokenLen is how many bytes of a token (RFC 9110, section 5.6.2) text begins with.
func tokenLen(text string) int {
	for i := range len(text) {
		if !tokenChars[text[i]] {
			return i
		}
	}
	return len(text)
}

func isToken(text string) bool { return text != "" && tokenLen(text) == len(text) }

var tokenChars = func() (is [256]bool) {
	for c := range is {
		is[c] = c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c > 0 && c < 0x80 && strings.IndexByte("!#$%&'*+-.^_`|~", byte(c)) >= 0
	}
	return is
}()

// lower is strings.ToLower for what is mostly in lower case already.
func lower(text string) string { return strings.ToLower(text) }

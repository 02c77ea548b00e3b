package template

import (
	"strconv"
	"unicode/utf8"
)

const hex = "0123456789ABCDEF"

// unreserved are the characters that RFC 3986 gives no meaning anywhere in a URL.
var unreserved = func() (table [256]bool) {
	for _, c := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~" {
		table[c] = true
	}
	return table
}()

// escapeTail percent-encodes dst[from:] in place, everything but unreserved characters. With form set a space
// becomes "+".
func escapeTail(dst []byte, from int, form bool) []byte {
	grow := 0
	for _, c := range dst[from:] {
		if !unreserved[c] && (c != ' ' || !form) {
			grow += 2
		}
	}
	end := len(dst)
	for range grow {
		dst = append(dst, 0)
	}
	to := len(dst)
	for i := end - 1; i >= from; i-- {
		c := dst[i]
		switch {
		case unreserved[c]:
			to--
			dst[to] = c
		case c == ' ' && form:
			to--
			dst[to] = '+'
		default:
			to -= 3
			dst[to], dst[to+1], dst[to+2] = '%', hex[c>>4], hex[c&15]
		}
	}
	return dst
}

// appendQuoted appends s as a JSON string. Bytes that aren't UTF-8 become U+FFFD.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, s)
	return append(dst, '"')
}

// appendEscaped appends s as the inside of a JSON string.
func appendEscaped(dst []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, s[start:i]...)
				dst = append(dst, "\uFFFD"...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= 0x20 && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(dst, s[start:]...)
}

// appendFloat appends f as encoding/json would.
func appendFloat(dst []byte, f float64) []byte {
	format := byte('f')
	if a := max(f, -f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, 64)
}

// isNumber tells whether s is a number of JSON's grammar.
func isNumber(s string) bool {
	digits := func() bool {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		s = s[n:]
		return n > 0
	}
	if s != "" && s[0] == '-' {
		s = s[1:]
	}
	if s != "" && s[0] == '0' {
		s = s[1:]
	} else if !digits() {
		return false
	}
	if s != "" && s[0] == '.' {
		if s = s[1:]; !digits() {
			return false
		}
	}
	if s != "" && s[0]|0x20 == 'e' {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		if !digits() {
			return false
		}
	}
	return s == ""
}

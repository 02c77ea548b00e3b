package http1

import (
	"net/textproto"
	"strings"
)

const (
	tokenByte = 1 << iota // of names and methods (RFC 9110, section 5.6.2)
	hostByte              // of a host with its port (RFC 3986, section 3.2.2)
	valueByte             // of a header's value and of a reason: all but control characters
)

// bytesOf says what each byte may be part of.
var bytesOf = func() (of [256]uint8) {
	const alphanumeric = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for _, c := range []byte(alphanumeric + "!#$%&'*+-.^_`|~") {
		of[c] |= tokenByte
	}
	for _, c := range []byte(alphanumeric + "!$%&'()*+,-.:;=[]_~") {
		of[c] |= hostByte
	}
	for c := range of {
		if c == '\t' || c >= ' ' && c != 0x7f {
			of[c] |= valueByte
		}
	}
	return of
}()

func isToken(s string) bool { return s != "" && all(s, tokenByte) }
func isHost(s string) bool  { return all(s, hostByte) }
func isValue(s string) bool { return all(s, valueByte) }

func all(s string, kind uint8) bool {
	for i := range len(s) {
		if bytesOf[s[i]]&kind == 0 {
			return false
		}
	}
	return true
}

// isCanonical tells whether a token is written as http.Header has it.
func isCanonical(name string) bool {
	upper := true
	for i := range len(name) {
		c := name[i]
		if upper && 'a' <= c && c <= 'z' || !upper && 'A' <= c && c <= 'Z' {
			return false
		}
		upper = c == '-'
	}
	return true
}

// hasToken tells whether a list in a header's values has an element.
func hasToken(values []string, token string) bool {
	for _, value := range values {
		for element := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(textproto.TrimString(element), token) {
				return true
			}
		}
	}
	return false
}

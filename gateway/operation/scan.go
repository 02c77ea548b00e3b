package operation

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// Scan reads the text of a document once, by the rules of GraphQL's lexer, and refuses one that is over the limits on
// bytes, tokens or nesting. It doesn't say whether the text is GraphQL: at the first thing that is no token it stops
// and is content, because the parser stops there too. It never recurses and allocates only for an error, which is a
// *gqlerror.Error of kind TooLarge with the place where the limit was passed.
func Scan(query string, limits Limits) error {
	limits = limits.WithDefaults()
	if int64(len(query)) > limits.MaxBytes {
		return refusal(fail.TooLarge, fmt.Sprintf("The document has %d bytes, over the limit of %d.", len(query), limits.MaxBytes))
	}
	var tokens, nesting int
	for i := blank(query, 0); i < len(query); i = blank(query, i) {
		if tokens++; tokens > limits.MaxTokens {
			return overAt(query, i, fmt.Sprintf("The document has more than %d tokens.", limits.MaxTokens))
		}
		switch query[i] {
		case '{', '[', '(':
			if nesting++; nesting > limits.MaxNesting {
				return overAt(query, i, fmt.Sprintf("The document nests more than %d levels deep.", limits.MaxNesting))
			}
		case '}', ']', ')':
			// The parser fails at a closer without its opener, so below zero nothing depends on the count.
			nesting--
		}
		end := token(query, i)
		if end == i {
			return nil
		}
		i = end
	}
	return nil
}

// Tokens counts the tokens of a text as Scan does, up to the first thing that is none.
func Tokens(query string) (count int) {
	for i := blank(query, 0); i < len(query); i = blank(query, i) {
		count++
		end := token(query, i)
		if end == i {
			break
		}
		i = end
	}
	return count
}

func overAt(query string, offset int, message string) error {
	before := query[:offset]
	line, start := 1, 0
	for i := range len(before) {
		switch {
		case before[i] == '\n', before[i] == '\r' && !strings.HasPrefix(query[i+1:], "\n"):
			line, start = line+1, i+1
		}
	}
	column := utf8.RuneCountInString(before[start:]) + 1
	return refusal(fail.TooLarge, message, gqlerror.Location{Line: line, Column: column})
}

// blank returns the offset of the first byte at or after i that isn't white space, a comma or a byte order mark.
func blank(s string, i int) int {
	for i < len(s) {
		switch s[i] {
		case ' ', '\t', '\n', '\r', ',':
			i++
		case 0xEF:
			if !strings.HasPrefix(s[i:], "\uFEFF") {
				return i
			}
			i += len("\uFEFF")
		default:
			return i
		}
	}
	return i
}

// token returns the offset after the token that starts at i, and i itself when none does.
func token(s string, i int) int {
	switch c := s[i]; c {
	case '!', '$', '&', '(', ')', ':', '=', '@', '[', ']', '{', '|', '}':
		return i + 1
	case '.':
		if strings.HasPrefix(s[i:], "...") {
			return i + 3
		}
		return i
	case '#':
		return comment(s, i)
	case '"':
		if strings.HasPrefix(s[i:], `"""`) {
			return blockString(s, i)
		}
		return quoted(s, i)
	default:
		if c == '-' || isDigit(c) {
			return number(s, i)
		}
		end := i
		for end < len(s) && (isLetter(s[end]) || end > i && isDigit(s[end])) {
			end++
		}
		return end
	}
}

func isLetter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// comment ends before the first control character that isn't a tab: mostly the end of the line.
func comment(s string, i int) int {
	for i < len(s) && (s[i] >= ' ' || s[i] == '\t') {
		i++
	}
	return i
}

// number ends where the longest Int or Float from start does.
func number(s string, start int) int {
	i := start
	if s[i] == '-' {
		i++
	}
	end := digits(s, i)
	if end == i || s[i] == '0' && end > i+1 {
		return start
	}
	if i = end; i < len(s) && s[i] == '.' {
		if end = digits(s, i+1); end == i+1 {
			return start
		}
		i = end
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if end = digits(s, i); end == i {
			return start
		}
		i = end
	}
	return i
}

func digits(s string, i int) int {
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return i
}

// quoted ends after the closing quote. Escapes are skipped, not checked.
func quoted(s string, start int) int {
	for i := start + 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			i++
		case c < ' ' && c != '\t':
			return start
		}
	}
	return start
}

// blockString ends after the run of quotes that closes it: the last three of a longer run close, as the parser has it.
func blockString(s string, start int) int {
	for i := start + 3; i < len(s); {
		switch c := s[i]; {
		case c == '"':
			end := i
			for end < len(s) && s[end] == '"' {
				end++
			}
			if end-i >= 3 {
				return end
			}
			i = end
		case strings.HasPrefix(s[i:], `\"""`):
			i += 4
		case c < ' ' && c != '\t' && c != '\n' && c != '\r':
			return start
		default:
			i++
		}
	}
	return start
}

package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/tributary-gateway/tributary/gateway/secret"
)

// Problem is one mistake in the configuration.
type Problem struct {
	// Source is where the value was given: the file's name, a variable like TRIBUTARY_LISTEN, a flag like --listen.
	Source string
	// Line and Column count from 1, in characters; 0 when the mistake has no place in a file.
	Line, Column int
	// Path is the setting in dotted form: services.users.timeout. Empty for the whole file.
	Path string
	// Message says what is wrong. It never holds the value of a secret.Text.
	Message string
	// Hint says what would be right; may be empty.
	Hint string
	// Excerpt is the line with a caret under the mistake; may be empty.
	Excerpt string
}

// Error is the text for people: place and message, then the line, then the hint.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Source)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	if p.Excerpt != "" {
		b.WriteString("\n" + p.Excerpt)
	}
	if p.Hint != "" {
		b.WriteString("\n  " + p.Hint)
	}
	return b.String()
}

// Problems are all mistakes that could be found at once, in the order of the file.
type Problems []*Problem

// Error lists them all, with an empty line between.
func (ps Problems) Error() string {
	texts := make([]string, len(ps))
	for i, p := range ps {
		texts[i] = p.Error()
	}
	return strings.Join(texts, "\n\n")
}

// Unwrap gives the single problems to errors.As.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// valueError is what is wrong with one value, before it's known where it stood.
type valueError struct{ message, advice string }

func (e *valueError) Error() string {
	if e.advice == "" {
		return e.message
	}
	return e.message + "; " + e.advice
}

func wrong(format string, args ...any) *valueError {
	return &valueError{message: fmt.Sprintf(format, args...)}
}

func (e *valueError) hint(format string, args ...any) *valueError {
	e.advice = fmt.Sprintf(format, args...)
	return e
}

// place is a spot in the file; width is how many characters are marked.
type place struct{ line, column, width int }

// afterKey is the column where the value of the key at p begins.
func (p place) afterKey() int { return p.column + p.width + 2 }

// source is the text of the file, for excerpts.
type source struct {
	name  string
	lines []string
}

func newSource(name string, text []byte) *source {
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	return &source{name: name, lines: lines}
}

// line returns the numbered line, counted from 1, and "" outside the file.
func (s *source) line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	return s.lines[n-1]
}

// maxExcerpt is how many characters of a line are shown.
const maxExcerpt = 120

// credentials are a user and password in a URL. Stars as long as they are leave the caret where it belongs.
var credentials = regexp.MustCompile(`://[^/@\s]+@`)

// excerpt shows the line with carets under the place. With hide above 0, what stands in that column and after it is a
// secret and is not shown.
func (s *source) excerpt(at place, hide int) string {
	line := credentials.ReplaceAllStringFunc(strings.ToValidUTF8(s.line(at.line), "?"), func(c string) string {
		return "://" + strings.Repeat("*", utf8.RuneCountInString(c)-len("://@")) + "@"
	})
	runes := []rune(line)
	start := min(max(at.column-1, 0), len(runes))
	if hide > 0 && hide <= len(runes) {
		runes = append(runes[:hide-1:hide-1], []rune(secret.Mask)...)
	}
	from := 0
	if start > maxExcerpt*2/3 {
		from = start - maxExcerpt/3
	}
	to := min(len(runes), from+maxExcerpt)
	shown := printable(runes[from:to])
	if hide > 0 && start == hide-1 {
		at.width = len(secret.Mask)
	}
	width := min(max(at.width, 1), max(to-start, 1))

	number := fmt.Sprintf("%4d | ", at.line)
	return number + string(shown) + "\n" +
		strings.Repeat(" ", utf8.RuneCountInString(number)+start-from) + strings.Repeat("^", width)
}

// printable replaces what would move the terminal's cursor, so that the caret stays under its mistake.
func printable(runes []rune) []rune {
	out := make([]rune, len(runes))
	for i, r := range runes {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			r = ' '
		}
		out[i] = r
	}
	return out
}

// headerValue is the column where a line below "headers:" gives a value, 0 for other lines. It serves where the file
// can't be parsed: nothing is known of the line but its looks, and headers are secrets.
func (s *source) headerValue(n int) int {
	line := s.line(n)
	if i := strings.Index(line, "headers:"); i >= 0 {
		return utf8.RuneCountInString(line[:i]) + len("headers: ") + 1
	}
	for above := n - 1; above > 0; above-- {
		text := s.line(above)
		if strings.TrimSpace(text) == "" || indent(text) >= indent(line) {
			continue
		}
		if key, _, ok := strings.Cut(line, ":"); ok && strings.HasPrefix(strings.TrimSpace(text), "headers:") {
			return utf8.RuneCountInString(key) + len(": ") + 1
		}
		break
	}
	return 0
}

// indent counts the spaces and tabs a line begins with.
func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

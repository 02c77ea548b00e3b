package authorize

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Problem is a mistake in a schema's directives.
type Problem struct {
	// File and Line are where it stands.
	File string
	Line int
	// Message says what is wrong and what would be right.
	Message string
}

// String is one line: file, line and message.
func (p Problem) String() string { return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Message) }

// Problems is an error that names every mistake at once, in the order of files and lines.
type Problems []Problem

// Error has one line per problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}

func (p *Problems) add(at *ast.Position, format string, args ...any) {
	problem := Problem{File: "schema", Message: fmt.Sprintf(format, args...)}
	if at != nil {
		problem.Line = at.Line
		if at.Src != nil {
			problem.File = at.Src.Name
		}
	}
	*p = append(*p, problem)
}

// sorted returns the problems in the order of files and lines, each once, or nil as an error when there are none.
func (p Problems) sorted() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, strings.Compare(a.Message, b.Message))
	})
	return slices.Compact(p)
}

// Package mistake tells what is wrong in a schema: where it stands, what is wrong, and what would be right. Who reads
// directives adds what it finds to a List and goes on, so that all mistakes are told at once; a list that stayed empty is
// no error. It knows nothing of any directive. Everybody may use it.
package mistake

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Mistake is one, in a schema.
type Mistake struct {
	// File and Line are where it stands; Line is 0 when only the file is known.
	File string
	Line int
	// Message says what is wrong and what would be right.
	Message string
}

// String is one line: file, line and message.
func (m Mistake) String() string { return fmt.Sprintf("%s:%d: %s", m.File, m.Line, m.Message) }

// List is an error that names every mistake at once.
type List []Mistake

// Error has one line per mistake.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i := range l {
		lines[i] = l[i].String()
	}
	return strings.Join(lines, "\n")
}

// Add notes a mistake at a place in the schema.
func (l *List) Add(at *ast.Position, format string, args ...any) {
	found := Mistake{File: "schema", Message: fmt.Sprintf(format, args...)}
	if at != nil {
		found.Line = at.Line
		if at.Src != nil && at.Src.Name != "" {
			found.File = at.Src.Name
		}
	}
	*l = append(*l, found)
}

// Sort brings the list into the order of files and lines; what stands in one line stays as it was found. What was found
// twice is told once.
func (l *List) Sort() {
	slices.SortStableFunc(*l, func(a, b Mistake) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line)
	})
	*l = slices.Compact(*l)
}

// Err is the list in order as an error, nil when nothing is wrong.
func (l List) Err() error {
	if len(l) == 0 {
		return nil
	}
	l.Sort()
	return l
}

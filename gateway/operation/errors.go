package operation

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// errorList keeps the first MaxErrors errors and counts the rest: 6 KB of document can make 190,000 of them.
type errorList struct {
	kept  gqlerror.List
	added int
}

func (l *errorList) add(err *gqlerror.Error) {
	if l.added++; l.added <= MaxErrors {
		l.kept = append(l.kept, err)
	}
}

func (l *errorList) full() bool { return l.added >= MaxErrors }

// list ends with an entry that counts what was left out.
func (l *errorList) list() gqlerror.List {
	if more := l.added - len(l.kept); more > 0 {
		return append(l.kept, others(more, l.kept[len(l.kept)-1]))
	}
	return l.kept
}

// others is the entry that counts errors which aren't told. It has the code of one like them.
func others(n int, like *gqlerror.Error) *gqlerror.Error {
	e := *like
	e.Message, e.Locations, e.Path, e.Err, e.Extensions = fmt.Sprintf("And %d more errors.", n), nil, nil, nil, nil
	if n == 1 {
		e.Message = "And one more error."
	}
	if code := like.Extensions["code"]; code != nil {
		e.Extensions = map[string]any{"code": code}
	}
	return &e
}

// counted is an error that stands for others, which an engine didn't keep.
type counted interface {
	error
	// More is how many.
	More() int
}

// bound is what is told of a response's errors, most of them as they are.
func bound(errs gqlerror.List, most int) gqlerror.List {
	var l errorList
	for _, err := range errs {
		if some, ok := err.Err.(counted); ok { //nolint:errorlint // it's never wrapped
			l.added += some.More()
			continue
		}
		if len(l.kept) < most {
			l.kept = append(l.kept, err)
		}
		l.added++
	}
	if len(l.kept) == 0 {
		return gqlerror.List{others(l.added, errs[0])}
	}
	return l.list()
}

func locate(position *ast.Position) []gqlerror.Location {
	if position == nil || position.Line == 0 {
		return nil
	}
	return []gqlerror.Location{{Line: position.Line, Column: position.Column}}
}

// longest is how many characters of a library's message a client is told: they repeat the names it wrote.
const longest = 300

// cut shortens a name or value that a client wrote, for use in a message.
func cut(text string) string { return shorten(text, 60) }

func shorten(text string, most int) string {
	n := 0
	for i := range text {
		if n++; n > most {
			return text[:i] + "…"
		}
	}
	return text
}

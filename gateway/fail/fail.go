// Package fail is the vocabulary of everything that can go wrong.
//
// A failure has a Kind, which decides the code a client sees, a public text that a client may read, and a cause
// that only the log may read. They are separate fields, so that telling a client too much takes an effort.
// Translation to a Kind happens once, at the edge where a foreign error enters; from there on the Kind is kept.
// The package depends on nothing and everybody may use it.
package fail

import (
	"errors"
	"fmt"
)

// Error is a failure on its way to a client.
type Error struct {
	// Kind decides extensions.code and the text used when Public is empty.
	Kind Kind
	// Op says what was being done and to what, for the log: "users.get /users/42".
	Op string
	// Public is the text a client reads. Empty means the Kind's own text.
	Public string
	// Service is the name of the upstream service, as gateway.yaml and the schema spell it. Clients see it.
	Service string
	// Status is the HTTP status a service answered with; 0 when there was no answer. Clients see it.
	Status int
	// Code, when not empty, is the service's own error code, passed on where its configuration says so.
	Code string
	// Extensions are further members of the error's extensions, which clients see: {"cost": …}. Nil for none.
	Extensions map[string]any
	// Err is the cause. It goes to the log and never to a client.
	Err error
}

// New makes a failure of a kind with a text that clients may read.
func New(kind Kind, public string) *Error {
	return &Error{Kind: kind, Public: public}
}

// Newf is New with a format.
func Newf(kind Kind, format string, args ...any) *Error {
	return New(kind, fmt.Sprintf(format, args...))
}

// Wrap gives err a kind and says what was being done. It returns nil for a nil err, and keeps the first
// failure's Kind when err already carries one: translating twice does no harm.
func Wrap(kind Kind, op string, err error) error {
	if err == nil {
		return nil
	}
	var known *Error
	if errors.As(err, &known) {
		return fmt.Errorf("%s: %w", op, err)
	}
	return &Error{Kind: kind, Op: op, Err: err}
}

// Error is the log's text: operation, public text and cause.
func (e *Error) Error() string {
	text := e.Message()
	if e.Op != "" {
		text = e.Op + ": " + text
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Message is the client's text.
func (e *Error) Message() string {
	if e.Public != "" {
		return e.Public
	}
	return e.Kind.Text()
}

// KindOf returns the kind of the first failure in err's chain, and Internal for every other error.
func KindOf(err error) Kind {
	var known *Error
	if errors.As(err, &known) {
		return known.Kind
	}
	return Internal
}

package cost

import (
	"runtime"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/vektah/gqlparser/v2/ast"
)

// mostKept bounds the formulas that are kept to some 20 MB. Usual ones take 2 to 20 KB.
const mostKept = 100_000

// Formulas keeps the formula of each operation for as long as its document is in use. It is safe for concurrent use.
type Formulas struct {
	prices *Prices
	known  sync.Map // weak.Pointer[ast.OperationDefinition] to *Formula
	size   atomic.Int64
}

// NewFormulas makes it.
func NewFormulas(prices *Prices) *Formulas { return &Formulas{prices: prices} }

// Of is the operation's formula, compiled when it's seen for the first time. Nothing in a formula leads back to the
// operation, so that keeping it doesn't keep the document.
func (s *Formulas) Of(doc *ast.QueryDocument, operation *ast.OperationDefinition) (*Formula, error) {
	key := weak.Make(operation)
	if f, ok := s.known.Load(key); ok {
		return f.(*Formula), nil
	}
	f, err := s.prices.Formula(doc, operation)
	if err != nil {
		return nil, err
	}
	size := int64(f.size)
	if s.size.Add(size) > mostKept {
		s.size.Add(-size)
		return f, nil
	}
	if kept, raced := s.known.LoadOrStore(key, f); raced {
		s.size.Add(-size)
		return kept.(*Formula), nil
	}
	runtime.AddCleanup(operation, func(key weak.Pointer[ast.OperationDefinition]) {
		s.known.Delete(key)
		s.size.Add(-size)
	}, key)
	return f, nil
}

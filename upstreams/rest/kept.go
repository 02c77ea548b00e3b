package rest

import (
	"sync"

	"github.com/tributary-gateway/tributary/upstreams/body"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// Kept are answers that values point into: their bodies, and the indexes of these. It belongs to whoever uses the values,
// such as an operation, and gives the memory back when told. The zero Kept is ready, and safe for concurrent use. One that
// is never released leaves everything to the garbage collector.
type Kept struct {
	mu      sync.Mutex // guards what follows
	answers []kept
	first   [2]kept // most operations have no more
}

type kept struct {
	body     *body.Body
	document *view.Document
}

func (k *Kept) add(b *body.Body, d *view.Document) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.answers == nil {
		k.answers = k.first[:0]
	}
	k.answers = append(k.answers, kept{b, d})
}

// Release gives all memory back. From now on nobody may look at a value that came from it, nor at anything inside one.
func (k *Kept) Release() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, a := range k.answers {
		a.release()
	}
	clear(k.answers)
	k.answers = k.answers[:0]
}

func (a kept) release() {
	a.body.Release()
	putDocument(a.document)
}

// documents are indexes to be used again, *view.Document.
var documents sync.Pool

// mostIndexed is the size of the largest index that is kept, in values: 1.5 MiB.
const mostIndexed = 64 << 10

// parse indexes a body.
func parse(b *body.Body) (*view.Document, error) {
	d, ok := documents.Get().(*view.Document)
	if !ok {
		d = new(view.Document)
	}
	if err := view.ParseInto(d, b.Bytes()); err != nil {
		putDocument(d)
		return nil, err
	}
	return d, nil
}

func putDocument(d *view.Document) {
	if d.Size() <= mostIndexed {
		d.Forget()
		documents.Put(d)
	}
}

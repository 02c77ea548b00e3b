package operation

import (
	"context"
	"errors"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/vektah/gqlparser/v2/ast"
)

// Cache keeps the documents used last, bounded by their number and by the bytes of their text. It is safe for
// concurrent use. Documents are shared by all who get them and must not be changed.
type Cache struct {
	limit int64 // of bytes

	mu    sync.Mutex // guards what follows
	lru   *simplelru.LRU[string, *ast.QueryDocument]
	bytes int64
}

var _ graphql.Cache[*ast.QueryDocument] = (*Cache)(nil)

// NewCache makes a cache of at most so many entries, whose keys have at most so many bytes together. Both must be
// positive.
func NewCache(entries int, bytes int64) (*Cache, error) {
	if entries <= 0 || bytes <= 0 {
		return nil, errors.New("a document cache needs room for an entry and a byte")
	}
	c := &Cache{limit: bytes}
	lru, err := simplelru.NewLRU(entries, func(query string, _ *ast.QueryDocument) { c.bytes -= int64(len(query)) })
	if err != nil {
		return nil, err
	}
	c.lru = lru
	return c, nil
}

// Get returns the document of a text and whether it was there.
func (c *Cache) Get(_ context.Context, query string) (*ast.QueryDocument, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lru.Get(query)
}

// Add keeps a document and drops the ones unused for longest to make room. One that is larger than the whole cache is
// not kept.
func (c *Cache) Add(_ context.Context, query string, doc *ast.QueryDocument) {
	size := int64(len(query))
	if size > c.limit {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.lru.Contains(query) {
		c.bytes += size
	}
	c.lru.Add(query, doc)
	for c.bytes > c.limit {
		c.lru.RemoveOldest()
	}
}

// Len returns how many documents are kept and how many bytes their texts have.
func (c *Cache) Len() (entries int, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lru.Len(), c.bytes
}

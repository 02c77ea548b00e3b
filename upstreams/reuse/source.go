package reuse

import (
	"bytes"
	"crypto/sha256"
	"net/http"
	"net/url"

	"github.com/tributary-gateway/tributary/upstreams/reuse/rfc9111"
)

// source is what a kept item has of the answer that brought it: the address, and the fields that say whether and how long
// it holds. An ETag is of a whole answer. So when all items that are to be asked for came with one answer, and the request
// for them is the one that brought it, the service can be asked whether they still hold.
type source struct {
	address [sha256.Size]byte
	header  http.Header
}

// sourced are the fields that a source has.
var sourced = [...]string{"Etag", "Last-Modified", "Cache-Control", "Expires", "Date", "Age", "Vary"}

// revalidates says whether a request is one whose answer can be revalidated.
func revalidates(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == "") && (r.Body == nil || r.Body == http.NoBody) && !rfc9111.Special(r.Header)
}

// sourceOf is the source that an answer is, as items keep it; nil when it can't be revalidated.
func (c *Cache) sourceOf(r *http.Request, h http.Header) []byte {
	if !revalidates(r) || !rfc9111.HasValidator(h) {
		return nil
	}
	address := c.address(r.URL)
	b := append(make([]byte, 0, 160), address[:]...)
	for _, name := range sourced {
		for _, v := range h[name] {
			b = part(part(b, name), v)
		}
	}
	return b
}

func (c *Cache) address(u *url.URL) [sha256.Size]byte {
	var room [1024]byte
	return sha256.Sum256(c.uri(room[:0], u))
}

// readSource reads what sourceOf wrote, nil when it's something else.
func readSource(b []byte) *source {
	if len(b) <= sha256.Size {
		return nil
	}
	s := &source{header: http.Header{}}
	r := reader{rest: b[copy(s.address[:], b):], ok: true}
	r.text = string(r.rest)
	for len(r.rest) > 0 {
		name, value := r.string(), r.string()
		if !r.ok {
			return nil
		}
		s.header[name] = append(s.header[name], value)
	}
	return s
}

// Revalidate has an exchange for the keys at some places ask whether what is kept for them still holds, when that can be
// asked. It's called before the request is made.
func (l *Lookup) Revalidate(x *Exchange, places []int) {
	var common []byte
	for i, place := range places {
		rec := l.Found[place].rec
		if rec == nil || len(rec.source) == 0 || i > 0 && !bytes.Equal(rec.source, common) {
			return
		}
		common = rec.source
	}
	x.had = readSource(common)
}

// Kept is what is kept for the key at a place, whatever its age: the answer of an exchange that was confirmed.
func (l *Lookup) Kept(i int) []byte {
	if rec := l.Found[i].rec; rec != nil {
		return rec.json()
	}
	return nil
}

// condition is a request that asks whether its source still holds, or r itself when that isn't its source.
func (s *source) condition(c *Cache, r *http.Request) *http.Request {
	if s == nil || !revalidates(r) || c.address(r.URL) != s.address {
		return r
	}
	own := r.WithContext(r.Context())
	own.Header = rfc9111.Condition(r.Header, s.header)
	return own
}

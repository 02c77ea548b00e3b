package reuse

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash/maphash"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Keys are hashes over parts, each with its length before it, so that no two requests that differ have one. What a client
// writes is in them, so the hash is one that can't be met on purpose.

func part(b []byte, text string) []byte {
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}

func (c *Cache) uri(b []byte, u *url.URL) []byte {
	b = part(b, c.options.Service)
	scheme := strings.ToLower(u.Scheme)
	b = part(b, scheme)
	host := strings.ToLower(u.Host)
	switch scheme {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	b = part(b, host)
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	b = part(b, path)
	return part(b, u.RawQuery)
}

// uriTag is the tag of all that's kept of an address.
func (c *Cache) uriTag(u *url.URL) string {
	var room [256]byte
	sum := sha256.Sum256(c.uri(room[:0], u))
	return "uri:" + base64.RawURLEncoding.EncodeToString(sum[:16])
}

// keyOf is the key of a request.
func (c *Cache) keyOf(r *http.Request) string {
	var room [1024]byte
	b := c.uri(append(room[:0], 's', 1), r.URL)
	if c.varied.get() {
		if names, ok := c.loose.Get(c.uriTag(r.URL)); ok {
			return sealed("s:", c.selected(append(b, 1), r.Header, names))
		}
	}
	return sealed("s:", c.all(append(b, 0), r.Header))
}

// identity are fields that tell callers apart whatever an answer says.
var identity = []string{"Authorization", "Cookie", "Proxy-Authorization"}

// selected appends the fields that an answer depends on.
func (c *Cache) selected(b []byte, h http.Header, names []string) []byte {
	for _, list := range [...][]string{names, identity} {
		for _, name := range list {
			b = part(b, name)
			values := h[name]
			b = binary.AppendUvarint(b, uint64(len(values)))
			for _, v := range values {
				b = part(b, strings.Trim(v, " \t"))
			}
		}
	}
	return b
}

// all appends all fields but those that name the single request.
func (c *Cache) all(b []byte, h http.Header) []byte {
	var room [24]string
	names := room[:0]
	for name := range h {
		if !c.ignored[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		b = part(b, name)
		values := h[name]
		b = binary.AppendUvarint(b, uint64(len(values)))
		for _, v := range values {
			b = part(b, v)
		}
	}
	return b
}

// sealed is a key of hashed parts.
func sealed(prefix string, b []byte) string {
	var room [64]byte
	return string(seal(room[:0], prefix, b))
}

// seal appends one.
func seal(dst []byte, prefix string, b []byte) []byte {
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.AppendEncode(append(dst, prefix...), sum[:])
}

// barren remembers for a minute keys whose answers aren't kept, so that nobody looks for them, nor waits for another's. It
// forgets some that share a place.
type barren struct {
	seed   maphash.Seed
	places [1024]place
}

type place struct{ hash, until atomic.Uint64 }

const barrenFor = time.Minute

func (b *barren) at(key string) (uint64, *place) {
	hash := maphash.String(b.seed, key)
	return hash, &b.places[hash%uint64(len(b.places))]
}

func (b *barren) has(key string, now time.Time) bool {
	hash, p := b.at(key)
	return p.hash.Load() == hash && int64(p.until.Load()) > now.UnixNano() //nolint:gosec // comes back by the opposite
}

func (b *barren) add(key string, now time.Time) {
	hash, p := b.at(key)
	p.until.Store(0)
	p.hash.Store(hash)
	p.until.Store(uint64(now.Add(barrenFor).UnixNano())) //nolint:gosec // after 1970
}

func (b *barren) remove(key string) {
	hash, p := b.at(key)
	if p.hash.Load() == hash {
		p.until.Store(0)
	}
}

// flag is set once. Reading it costs nothing where writing it again would.
type flag struct{ v atomic.Bool }

func (f *flag) get() bool { return f.v.Load() }

func (f *flag) set() {
	if !f.v.Load() {
		f.v.Store(true)
	}
}

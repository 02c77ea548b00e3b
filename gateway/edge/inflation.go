package edge

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// Inflation is about request bodies that are compressed. A zero field means its default.
type Inflation struct {
	// Codings are those that are understood: gzip, deflate, zstd. Others are refused with 415. Default: all three.
	Codings []string `yaml:"codings" json:"codings,omitempty"`
	// Disabled refuses every compressed body. Default: false.
	Disabled bool `yaml:"disabled" json:"disabled,omitempty"`
	// MaxRatio is how many times longer than what came a body may get, once it is over 64 KiB. Default: 100.
	MaxRatio int `yaml:"max_ratio" json:"max_ratio,omitempty"`
}

// Deflate is the coding that is zlib's format. Some old clients send it without its frame: that is refused.
const Deflate = "deflate"

var inflatable = []string{Gzip, Deflate, Zstd}

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c Inflation) WithDefaults() Inflation {
	if c.Codings == nil {
		c.Codings = slices.Clone(inflatable)
	}
	if c.MaxRatio == 0 {
		c.MaxRatio = 100
	}
	return c
}

// Validate names everything wrong, by its keys.
func (c Inflation) Validate() error {
	var problems []error
	for i, coding := range c.Codings {
		if !slices.Contains(inflatable, coding) {
			problems = append(problems, fmt.Errorf("codings[%d]: is %.80q; it can be gzip, deflate or zstd", i, coding))
		}
	}
	if c.Codings != nil && len(c.Codings) == 0 && !c.Disabled {
		problems = append(problems, errors.New("codings: is empty; name one, or set disabled"))
	}
	if c.MaxRatio < 0 || c.MaxRatio > 10_000 {
		problems = append(problems, fmt.Errorf("max_ratio: is %d; give 1 to 10000", c.MaxRatio))
	}
	return errors.Join(problems...)
}

// freeOfRatio is the length up to which a body may be as much longer as it likes: JSON that repeats itself does.
const freeOfRatio = 64 << 10

// Inflate inflates request bodies to limit bytes at most. It stands inside what bounds the bytes that come. Reading
// more gives an *http.MaxBytesError, as does a body that gets too many times longer. Nothing is inflated before somebody
// reads.
func Inflate(c Inflation, limit int64) (Middleware, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("inflation: %w", err)
	}
	c = c.WithDefaults()
	if c.Disabled {
		c.Codings = nil
	}
	accepted := strings.Join(c.Codings, ", ")
	if accepted == "" {
		accepted = "identity"
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			given := r.Header["Content-Encoding"]
			if len(given) == 0 {
				next.ServeHTTP(w, r)
				return
			}
			coding := strings.ToLower(strings.TrimSpace(given[0]))
			switch coding {
			case "identity":
				coding = ""
			case "x-gzip":
				coding = Gzip
			}
			// One coding only: one in another is how a bomb hides from the limits of the first.
			if len(given) > 1 || coding != "" && !slices.Contains(c.Codings, coding) {
				w.Header().Set("Accept-Encoding", accepted)
				refuse(w, http.StatusUnsupportedMediaType, fail.BadRequest, "The body's Content-Encoding isn't understood here; Accept-Encoding of this answer has those that are.")
				return
			}
			inner := *r
			inner.Header = r.Header.Clone()
			inner.Header.Del("Content-Encoding")
			if coding != "" {
				inner.Header.Del("Content-Length")
				inner.ContentLength = -1
				body := &inflated{coding: coding, from: counted{r: r.Body}, limit: limit, ratio: int64(c.MaxRatio)}
				defer body.forget()
				inner.Body = body
			}
			next.ServeHTTP(w, &inner)
		})
	}, nil
}

// inflated is a body as its sender meant it.
type inflated struct {
	coding string
	from   counted
	limit  int64
	ratio  int64

	mu      sync.Mutex // guards what follows: net/http may close a body while it is read
	decoder io.Reader
	read    int64
	err     error
}

// counted counts what came, in what the decoder may have read ahead.
type counted struct {
	r io.ReadCloser
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// Read is io.Reader's.
func (b *inflated) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	if b.decoder == nil {
		if b.decoder, b.err = decode(b.coding, &b.from); b.err != nil {
			return 0, b.err
		}
	}
	// One byte more than there may be tells the end from too much.
	if most := b.limit - b.read + 1; int64(len(p)) > most {
		p = p[:most]
	}
	n, err := b.decoder.Read(p)
	b.read += int64(n)
	if b.read > b.limit {
		n -= int(b.read - b.limit)
		err = &http.MaxBytesError{Limit: b.limit}
	} else if b.read > freeOfRatio && b.read/b.ratio > b.from.n {
		n, err = 0, &http.MaxBytesError{Limit: max(freeOfRatio, b.from.n*b.ratio)}
	}
	b.err = err
	return n, err
}

// Close is io.Closer's.
func (b *inflated) Close() error { return b.from.r.Close() }

// forget gives back the decoder.
func (b *inflated) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	release(b.decoder)
	b.decoder = nil
	if b.err == nil {
		b.err = http.ErrBodyReadAfterClose
	}
}

// maxWindow is how far back a zstd body may look, which a decoder keeps in memory: what its usual levels do.
const maxWindow = 2 << 20

var gzipReaders, zstdReaders sync.Pool // *gzip.Reader, *zstd.Decoder

// decode begins to decode.
func decode(coding string, from io.Reader) (io.Reader, error) {
	switch coding {
	case Gzip:
		if z, ok := gzipReaders.Get().(*gzip.Reader); ok {
			if err := z.Reset(from); err != nil {
				return nil, fmt.Errorf("inflating: %w", err)
			}
			return z, nil
		}
		z, err := gzip.NewReader(from)
		if err != nil {
			return nil, fmt.Errorf("inflating: %w", err) // and not a typed nil
		}
		return z, nil
	case Deflate:
		z, err := zlib.NewReader(from)
		if err != nil {
			return nil, fmt.Errorf("inflating: %w", err)
		}
		return z, nil
	default:
		if z, ok := zstdReaders.Get().(*zstd.Decoder); ok {
			if err := z.Reset(from); err != nil {
				return nil, fmt.Errorf("inflating: %w", err)
			}
			return z, nil
		}
		z, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, fmt.Errorf("inflating: %w", err)
		}
		return z, nil
	}
}

// release keeps a decoder for the next body.
func release(decoder io.Reader) {
	switch z := decoder.(type) {
	case *gzip.Reader:
		gzipReaders.Put(z)
	case *zstd.Decoder:
		if z.Reset(nil) == nil { // keep no body
			zstdReaders.Put(z)
		}
	}
}

package edge

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Compression is that of answers. A zero field means its default.
type Compression struct {
	// Disabled sends every answer as it is. Default: false.
	Disabled bool `yaml:"disabled" json:"disabled,omitempty"`
	// Codings are those on offer, the preferred first: what a client wants as much as another is decided here. Default: zstd,
	// gzip, br.
	Codings []string `yaml:"codings" json:"codings,omitempty"`
	// MinBytes is the length from which an answer is compressed. Default: 1024.
	MinBytes int64 `yaml:"min_bytes" json:"min_bytes,omitempty"`
	// Level is fast, or balanced, which gives gzip and br fewer bytes for two to three times the CPU. Default: fast.
	Level Level `yaml:"level" json:"level,omitempty"`
}

// Level is how hard compression tries.
type Level string

// The levels.
const (
	Fast     Level = "fast"
	Balanced Level = "balanced"
)

// Values lists what a level may be.
func (Level) Values() []string { return []string{string(Fast), string(Balanced)} }

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c Compression) WithDefaults() Compression {
	if c.Codings == nil {
		c.Codings = []string{Zstd, Gzip, Brotli}
	}
	if c.MinBytes == 0 {
		c.MinBytes = 1 << 10
	}
	if c.Level == "" {
		c.Level = Fast
	}
	return c
}

// Validate names everything wrong, by its keys.
func (c Compression) Validate() error {
	var problems []error
	for i, coding := range c.Codings {
		if !slices.Contains([]string{Zstd, Gzip, Brotli}, coding) {
			problems = append(problems, fmt.Errorf("codings[%d]: is %.80q; it can be zstd, gzip or br", i, coding))
		} else if slices.Contains(c.Codings[:i], coding) {
			problems = append(problems, fmt.Errorf("codings[%d]: %s is there twice", i, coding))
		}
	}
	if c.Codings != nil && len(c.Codings) == 0 {
		problems = append(problems, errors.New("codings: is empty; name one, or set disabled"))
	}
	if c.MinBytes < 0 || c.MinBytes > maxWhole {
		problems = append(problems, fmt.Errorf("min_bytes: is %d; give 1 to %d", c.MinBytes, maxWhole))
	}
	if _, ok := levels[c.Level]; !ok && c.Level != "" {
		problems = append(problems, fmt.Errorf("level: is %.80q; it can be fast or balanced", c.Level))
	}
	return errors.Join(problems...)
}

const (
	// maxWhole is the length up to which an answer whose length is known is compressed before any of it is sent, so that
	// the length that remains is known too and net/http sends all of it at once.
	maxWhole = 1 << 20
	// mostKept is the size of the largest buffer that is kept for the next answers.
	mostKept = 256 << 10
)

// compressible are the types that get smaller. Event streams aren't among them: their events must not wait in an encoder,
// and what stands between gateway and client gets them wrong.
func compressible(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	switch kind = strings.ToLower(strings.TrimSpace(kind)); kind {
	case "application/json", "application/graphql-response+json", "application/javascript", "image/svg+xml", "multipart/mixed":
		return true
	case "text/event-stream":
		return false
	}
	return strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, "+xml")
}

// Compress compresses answers for clients that accept it. It stands inside whatever counts bytes for the log.
func Compress(c Compression) (Middleware, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("compression: %w", err)
	}
	c = c.WithDefaults()
	if c.Disabled {
		return func(next http.Handler) http.Handler { return next }, nil
	}
	offers := make([]*encoders, len(c.Codings))
	for i, coding := range c.Codings {
		var err error
		if offers[i], err = newEncoders(coding, levels[c.Level]); err != nil {
			return nil, fmt.Errorf("compression: %w", err)
		}
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			chosen := choose(r.Header["Accept-Encoding"], c.Codings)
			if chosen < 0 || r.Method == http.MethodHead || isUpgrade(r) {
				header := w.Header()
				header["Vary"] = withVary(header["Vary"]) // for another client it might be compressed
				next.ServeHTTP(w, r)
				return
			}
			z := &compressor{ResponseWriter: w, least: c.MinBytes, offer: offers[chosen]}
			defer z.forget()
			next.ServeHTTP(z, r)
			z.end()
		})
	}, nil
}

// state is what a compressor does with what is written.
type state uint8

const (
	// waiting: the answer hasn't begun.
	waiting state = iota
	// collecting: its length isn't known, and less than the least was written.
	collecting
	// plain: it goes out as it is.
	plain
	// whole: its length is known, and it is compressed into a buffer.
	whole
	// streaming: it is compressed as it goes out.
	streaming
	// ended: all of it is out.
	ended
)

// compressor is the writer of one answer. It is used by one goroutine at a time, as every http.ResponseWriter.
type compressor struct {
	http.ResponseWriter
	offer *encoders
	least int64

	state   state
	status  int
	length  int64 // declared
	written int64
	buffer  *bytes.Buffer // collecting: as it is; whole: compressed
	encoder encoder
}

var answers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Unwrap is for http.ResponseController: deadlines, and hijacking by WebSockets.
func (z *compressor) Unwrap() http.ResponseWriter { return z.ResponseWriter }

// WriteHeader decides what happens to the answer.
func (z *compressor) WriteHeader(status int) {
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		z.ResponseWriter.WriteHeader(status) // before the answer
		return
	}
	if z.state != waiting {
		z.ResponseWriter.WriteHeader(status) // net/http complains of it
		return
	}
	z.status = status
	header := z.Header()
	if !z.may(status, header) {
		z.pass()
		return
	}
	header["Vary"] = withVary(header["Vary"])
	if declared := header["Content-Length"]; len(declared) == 1 {
		length, err := strconv.ParseInt(declared[0], 10, 64)
		switch {
		case err != nil || length < z.least:
			z.pass()
		case length <= maxWhole:
			z.state, z.length = whole, length
			z.buffer = answers.Get().(*bytes.Buffer)
			z.encoder = z.offer.get(z.buffer)
		default:
			z.stream()
		}
	} else {
		z.state = collecting
		z.buffer = answers.Get().(*bytes.Buffer)
	}
}

// may says whether a client's wish decides: an answer that has a body, of a kind that gets smaller, and that nobody has
// compressed or wants to stay as it is.
func (z *compressor) may(status int, header http.Header) bool {
	switch {
	case status == http.StatusNoContent, status == http.StatusNotModified, status == http.StatusPartialContent, status < 200:
		return false
	case header["Content-Encoding"] != nil, header["Content-Range"] != nil:
		return false
	case !compressible(header.Get("Content-Type")):
		return false
	}
	for _, line := range header["Cache-Control"] {
		if strings.Contains(strings.ToLower(line), "no-transform") {
			return false
		}
	}
	return true
}

// mark says in the header that the answer is compressed. Its bytes are others now, so that a strong ETag isn't right.
func (z *compressor) mark() {
	header := z.Header()
	header["Content-Encoding"] = z.offer.name
	delete(header, "Accept-Ranges")
	if tag := header.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		header.Set("ETag", "W/"+tag)
	}
}

// pass sends the answer as it is.
func (z *compressor) pass() {
	z.state = plain
	z.ResponseWriter.WriteHeader(z.status)
}

// stream compresses the answer as it goes out.
func (z *compressor) stream() {
	z.mark()
	delete(z.Header(), "Content-Length")
	z.state = streaming
	z.ResponseWriter.WriteHeader(z.status)
	z.encoder = z.offer.get(z.ResponseWriter)
}

// Write is http.ResponseWriter's.
func (z *compressor) Write(p []byte) (int, error) {
	if z.state == waiting {
		z.WriteHeader(http.StatusOK)
	}
	switch z.state {
	case collecting:
		if int64(z.buffer.Len()+len(p)) < z.least {
			return z.buffer.Write(p)
		}
		z.stream()
		if _, err := z.encoder.Write(z.buffer.Bytes()); err != nil {
			return 0, err
		}
		return z.encoder.Write(p)
	case whole:
		if z.written+int64(len(p)) > z.length {
			return 0, http.ErrContentLength
		}
		n, err := z.encoder.Write(p)
		z.written += int64(n)
		if err == nil && z.written == z.length {
			err = z.send()
		}
		return n, err
	case streaming:
		return z.encoder.Write(p)
	case ended:
		if len(p) > 0 {
			return 0, http.ErrContentLength
		}
		return 0, nil
	default:
		return z.ResponseWriter.Write(p)
	}
}

// send sends an answer that was compressed whole.
func (z *compressor) send() error {
	if err := z.encoder.Close(); err != nil {
		return err
	}
	z.state = ended
	z.mark() // not before: a panic's answer isn't compressed
	z.Header()["Content-Length"] = []string{strconv.Itoa(z.buffer.Len())}
	z.ResponseWriter.WriteHeader(z.status)
	_, err := z.ResponseWriter.Write(z.buffer.Bytes())
	return err
}

// Flush sends what was written so far: a part of an answer that comes in parts.
func (z *compressor) Flush() { _ = z.FlushError() } // as http.Flusher has it

// FlushError is what http.ResponseController asks for.
func (z *compressor) FlushError() error {
	switch z.state {
	case waiting:
		z.WriteHeader(http.StatusOK)
		return z.FlushError()
	case collecting: // what comes in parts is worth compressing, however short the first one is
		z.stream()
		if _, err := z.encoder.Write(z.buffer.Bytes()); err != nil {
			return err
		}
		fallthrough
	case streaming:
		if err := z.encoder.Flush(); err != nil {
			return err
		}
	case whole:
		return nil // it goes out in one piece, as soon as it is complete
	}
	return http.NewResponseController(z.ResponseWriter).Flush()
}

// end completes the answer of a handler that has returned.
func (z *compressor) end() {
	switch z.state {
	case collecting:
		z.pass()
		_, _ = z.ResponseWriter.Write(z.buffer.Bytes()) // the client hung up
	case streaming:
		_ = z.encoder.Close() // likewise
	case whole: // the handler wrote less than it said: what isn't whole must not look so
		z.state = ended
		panic(http.ErrAbortHandler)
	}
}

// forget gives back what the answer used, also after a panic.
func (z *compressor) forget() {
	if z.encoder != nil {
		z.offer.put(z.encoder)
		z.encoder = nil
	}
	if z.buffer != nil && z.buffer.Cap() <= mostKept {
		z.buffer.Reset()
		answers.Put(z.buffer)
	}
	z.buffer = nil
}

// withVary adds Accept-Encoding to what an answer depends on.
func withVary(lines []string) []string {
	for _, line := range lines {
		if strings.Contains(line, "Accept-Encoding") || line == "*" {
			return lines
		}
	}
	switch {
	case len(lines) == 0:
		return varyEncoding
	case len(lines) == 1 && lines[0] == "Accept":
		return varyBoth // what nearly all have
	}
	return append(lines[:len(lines):len(lines)], "Accept-Encoding")
}

// Values of Vary, with no room for another.
var (
	varyEncoding = []string{"Accept-Encoding"}
	varyBoth     = []string{"Accept, Accept-Encoding"}
)

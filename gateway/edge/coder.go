package edge

import (
	"fmt"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// The codings of answers.
const (
	Zstd   = "zstd"
	Gzip   = "gzip"
	Brotli = "br"

	maxCodings = 3
)

// encoder compresses one answer at a time.
type encoder interface {
	io.WriteCloser
	Flush() error
	Reset(w io.Writer)
}

// level is how hard each coding tries.
type level struct{ zstd, gzip, brotli int }

var levels = map[Level]level{
	Fast:     {int(zstd.SpeedFastest), gzip.BestSpeed, 1},
	Balanced: {int(zstd.SpeedDefault), 5, 4},
}

// window is how far back zstd looks: answers are seldom larger, and every encoder that is kept has one in memory.
const window = 256 << 10

// newEncoder makes an encoder of a coding.
func newEncoder(coding string, l level) (encoder, error) {
	switch coding {
	case Zstd:
		return zstd.NewWriter(io.Discard, zstd.WithEncoderLevel(zstd.EncoderLevel(l.zstd)), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(window), zstd.WithLowerEncoderMem(true))
	case Gzip:
		return gzip.NewWriterLevel(io.Discard, l.gzip)
	case Brotli:
		return brotli.NewWriterOptions(io.Discard, brotli.WriterOptions{Quality: l.brotli, LGWin: 18}), nil
	}
	return nil, fmt.Errorf("%q is no coding", coding)
}

// encoders keeps those of one coding for the next answers.
type encoders struct {
	name []string // as the value of Content-Encoding
	pool sync.Pool
}

func newEncoders(coding string, l level) (*encoders, error) {
	first, err := newEncoder(coding, l)
	if err != nil {
		return nil, err
	}
	e := &encoders{name: []string{coding}}
	e.pool.New = func() any {
		encoder, _ := newEncoder(coding, l) // the same worked a moment ago
		return encoder
	}
	e.pool.Put(first)
	return e, nil
}

func (e *encoders) get(w io.Writer) encoder {
	encoder := e.pool.Get().(encoder)
	encoder.Reset(w)
	return encoder
}

func (e *encoders) put(encoder encoder) {
	encoder.Reset(io.Discard) // keep no answer's writer
	e.pool.Put(encoder)
}

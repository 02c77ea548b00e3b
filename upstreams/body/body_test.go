package body_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/tributary-gateway/tributary/upstreams/body"
)

// closing tells whether a body was closed.
type closing struct {
	io.Reader

	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}

func response(r io.Reader, length int64) (*http.Response, *closing) {
	c := &closing{Reader: r}
	return &http.Response{Body: c, ContentLength: length}, c
}

func TestRead(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		name   string
		size   int
		length int64 // what the header says; -1 for nothing
		limit  int64
		end    error // of the connection, instead of io.EOF
		want   error
	}{
		{name: "exactly as long as said", size: 25_000, length: 25_000, limit: 1 << 20},
		{name: "a byte", size: 1, length: 1, limit: 1},
		{name: "unknown and short", size: 10, length: -1, limit: 100},
		{name: "unknown and as much as is allowed", size: 100, length: -1, limit: 100},
		{name: "unknown and longer than a few pieces of memory", size: 100_000, length: -1, limit: 1 << 20},
		{name: "unknown and over what is kept", size: 3 << 20, length: -1, limit: 4 << 20},
		{name: "known and over what is trusted", size: 3 << 20, length: 3 << 20, limit: 4 << 20},
		{name: "nothing", size: 0, length: 0, limit: 10},
		{name: "a length that nobody set", size: 10, length: 0, limit: 10},
		{name: "a header over the limit", size: 101, length: 101, limit: 100, want: body.ErrTooBig},
		{name: "a stream over the limit", size: 101, length: -1, limit: 100, want: body.ErrTooBig},
		{name: "a stream over a limit of some size", size: 70_000, length: -1, limit: 65_536, want: body.ErrTooBig},
		{name: "cut short", size: 10, length: 11, limit: 100, want: io.ErrUnexpectedEOF},
		{name: "nothing of what was said", size: 0, length: 11, limit: 100, want: io.ErrUnexpectedEOF},
		{name: "much, cut short", size: 2 << 20, length: 3 << 20, limit: 4 << 20, want: io.ErrUnexpectedEOF},
		{name: "broken off", size: 10, length: 20, limit: 100, end: broken, want: broken},
		{name: "a stream broken off", size: 10, length: -1, limit: 100, end: broken, want: broken},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := bytes.Repeat([]byte("0123456789"), c.size/10+1)[:c.size]
			readers := []io.Reader{bytes.NewReader(want), iotest.DataErrReader(bytes.NewReader(want)), iotest.HalfReader(bytes.NewReader(want))}
			for _, r := range readers {
				if c.end != nil {
					r = io.MultiReader(r, iotest.ErrReader(c.end))
				}
				res, closed := response(r, c.length)
				b, err := body.Read(res, c.limit)
				if !closed.closed {
					t.Error("it isn't closed")
				}
				if !errors.Is(err, c.want) {
					t.Fatalf("error %v, want %v", err, c.want)
				}
				if err != nil {
					continue
				}
				if !bytes.Equal(b.Bytes(), want) || b.Len() != c.size {
					t.Errorf("%d bytes, want %d", b.Len(), c.size)
				}
				b.Release()
			}
		})
	}
}

func TestReadOfABodyIsThatBody(t *testing.T) {
	b := body.Wrap([]byte("text"))
	again, err := body.Read(&http.Response{Body: b, ContentLength: 4}, 4)
	if err != nil || again != b {
		t.Errorf("got %v, %v", again, err)
	}
	if _, err := body.Read(&http.Response{Body: b}, 3); !errors.Is(err, body.ErrTooBig) {
		t.Errorf("over the limit: %v", err)
	}
	for _, none := range []io.ReadCloser{nil, http.NoBody} {
		if b, err := body.Read(&http.Response{Body: none, ContentLength: 7}, 10); err != nil || b.Len() != 0 {
			t.Errorf("no body: %v, %v", b, err)
		}
	}
}

func TestBodyStandsInForAResponses(t *testing.T) {
	if err := iotest.TestReader(body.Wrap([]byte("what a service said")), []byte("what a service said")); err != nil {
		t.Error(err)
	}
	res, _ := response(strings.NewReader("text"), 4)
	pool := body.Pool{Poison: true}
	b, err := pool.Read(res, 4)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil || string(b.Bytes()) != "text" {
		t.Errorf("after Close: %q, %v", b.Bytes(), err)
	}
}

func TestMemoryIsReturnedWithTheLastReference(t *testing.T) {
	pool := body.Pool{Poison: true}
	res, _ := response(strings.NewReader("text"), 4)
	b, err := pool.Read(res, 4)
	if err != nil {
		t.Fatal(err)
	}
	seen := b.Bytes()
	b.Retain()
	b.Release()
	if string(seen) != "text" {
		t.Errorf("with a reference left: %q", seen)
	}
	b.Release()
	if want := bytes.Repeat([]byte{body.Poisoned}, 4); !bytes.Equal(seen, want) {
		t.Errorf("without one: %q", seen)
	}
	for name, misuse := range map[string]func(){"released too often": b.Release, "retained after its last release": b.Retain} {
		func() {
			defer func() {
				if p := recover(); p != "body: "+name {
					t.Errorf("panic %v, want %s", p, name)
				}
			}()
			misuse()
		}()
	}
}

// Many goroutines read, share and release bodies of all sizes from one pool that poisons: each sees its own bytes until its
// own release.
func TestNobodySeesAnothersBytes(t *testing.T) {
	pool := body.Pool{Poison: true}
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 300 {
				want := bytes.Repeat([]byte{byte('a' + worker)}, 1+(i*i*37)%70_000)
				length := int64(len(want))
				if i%3 == 0 {
					length = -1
				}
				res, _ := response(bytes.NewReader(want), length)
				b, err := pool.Read(res, 1<<20)
				if err != nil {
					t.Error(err)
					return
				}
				b.Retain()
				all.Go(func() {
					if !bytes.Equal(b.Bytes(), want) {
						t.Error("the second holder saw something else")
					}
					b.Release()
				})
				if !bytes.Equal(b.Bytes(), want) {
					t.Error("the first holder saw something else")
				}
				b.Release()
			}
		})
	}
	all.Wait()
}

func TestReadAllocatesOnce(t *testing.T) {
	text := bytes.Repeat([]byte("x"), 25_000)
	reader := bytes.NewReader(text)
	res := &http.Response{Body: io.NopCloser(reader), ContentLength: int64(len(text))}
	var pool body.Pool
	read := func() {
		reader.Reset(text)
		b, err := pool.Read(res, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		b.Release()
	}
	read()
	// Under the race detector sync.Pool forgets at random.
	if n := testing.AllocsPerRun(100, read); n > 3 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRead(b *testing.B) {
	text := bytes.Repeat([]byte("x"), 25_000)
	reader := bytes.NewReader(text)
	res := &http.Response{Body: io.NopCloser(reader), ContentLength: int64(len(text))}
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(text)
		got, err := body.Read(res, 1<<20)
		if err != nil {
			b.Fatal(err)
		}
		got.Release()
	}
}

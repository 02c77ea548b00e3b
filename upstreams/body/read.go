package body

import (
	"errors"
	"io"
	"net/http"
)

const (
	// mostTrusted is how much memory a Content-Length gets before its bytes have come.
	mostTrusted = 1 << largest
	// unknown is how much memory an answer without one gets at first.
	unknown = 4 << 10
)

// Read reads the body of an answer to its end and closes it. The error is ErrTooBig when it has more than limit bytes, and
// io.ErrUnexpectedEOF when it is shorter than it should be. A body that is a Body already is given back as it is, with
// its reference.
func (p *Pool) Read(res *http.Response, limit int64) (*Body, error) {
	if p == nil {
		p = &shared
	}
	switch b := res.Body.(type) {
	case nil:
		return Wrap(nil), nil
	case *Body:
		if int64(len(b.data)) > limit {
			b.Release()
			return nil, ErrTooBig
		}
		return b, nil
	}
	defer res.Body.Close()
	length := res.ContentLength
	switch {
	case res.Body == http.NoBody:
		return Wrap(nil), nil
	case length > limit:
		return nil, ErrTooBig
	case length == 0:
		length = -1 // whoever made the answer may not have set it
	}
	first := unknown
	if length > 0 {
		first = int(min(length, mostTrusted))
	}
	m := p.get(first)
	var n int
	var err error
	if length > 0 && length <= mostTrusted {
		n, err = io.ReadFull(res.Body, m.bytes[:length])
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
	} else {
		m, n, err = p.grow(res.Body, m, length, limit)
	}
	if err != nil {
		p.put(m)
		return nil, err
	}
	b := &Body{memory: m, pool: p, data: m.bytes[:n:n]}
	b.refs.Store(1)
	return b, nil
}

// grow reads what is too long, or of unknown length, to be given all its memory at once. length is -1 when it's unknown.
// m is where it begins. What has come is never copied into twice as much memory: an answer over the limit takes no more
// than the limit while it's found out.
func (p *Pool) grow(r io.Reader, m *memory, length, limit int64) (*memory, int, error) {
	var full []*memory // before m
	before, n := 0, 0  // bytes in full, and in m
	defer func() {
		for _, piece := range full {
			p.put(piece)
		}
	}()
	for {
		if n == len(m.bytes) {
			switch {
			case n < mostTrusted: // up to there by doubling: small answers of unknown length are usual
				more := p.get(2 * n)
				copy(more.bytes, m.bytes)
				p.put(m)
				m = more
			default:
				full, before, n = append(full, m), before+n, 0
				m = p.get(mostTrusted)
			}
		}
		got, err := r.Read(m.bytes[n:])
		n += got
		total := before + n
		switch {
		case int64(total) > limit:
			return m, n, ErrTooBig
		case errors.Is(err, io.EOF) && length > int64(total):
			return m, n, io.ErrUnexpectedEOF
		case errors.Is(err, io.EOF):
			return p.join(full, m, n), total, nil
		case err != nil:
			return m, n, err
		}
	}
}

// join copies the pieces into one, if there are several.
func (p *Pool) join(full []*memory, last *memory, n int) *memory {
	if len(full) == 0 {
		return last
	}
	whole := p.get(len(full)*mostTrusted + n)
	at := 0
	for _, piece := range full {
		at += copy(whole.bytes[at:], piece.bytes)
	}
	copy(whole.bytes[at:], last.bytes[:n])
	p.put(last)
	return whole
}

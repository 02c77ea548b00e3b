package store

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/s2"
)

// What Redis has under an entry's key: magic, version, whether it's valid yet, a nonce that names this writing of it, a
// checksum over the key and everything after it, and then times, tags, meta and body. Whatever doesn't look so is no
// entry: a foreign value, one that was cut, one of another version, one that was written under another key.

const (
	magic       = 0xCE
	version     = 1
	provisional = 0 // written, and the marks not looked at yet
	valid       = 1

	atValid    = 2
	atNonce    = 3
	nonceBytes = 8
	atSum      = atNonce + nonceBytes
	atRest     = atSum + 8

	compressFrom = 1 << 10 // bytes of a body
)

var errForeign = errors.New("not an entry of ours")

// seal writes an entry down, provisionally. The nonce is in it.
func seal(e *Entry) []byte {
	size := atRest + 64 + len(e.Meta) + len(e.Body)
	for _, tag := range e.Tags {
		size += len(tag) + 2
	}
	b := make([]byte, atRest, size)
	b[0], b[1], b[atValid] = magic, version, provisional
	_, _ = rand.Read(b[atNonce:atSum]) // never fails
	body, compressed := e.Body, byte(0)
	if len(body) >= compressFrom {
		if small := s2.Encode(nil, body); len(small) < len(body) {
			body, compressed = small, 1
		}
	}
	b = append(b, compressed)
	for _, t := range []time.Time{e.Created, e.Expires, e.StaleUntil} {
		b = binary.BigEndian.AppendUint64(b, uint64(t.UnixNano())) //nolint:gosec // comes back by the opposite
	}
	b = binary.AppendUvarint(b, uint64(max(0, e.Took))) //nolint:gosec // not negative
	b = binary.AppendUvarint(b, uint64(len(e.Tags)))
	for _, tag := range e.Tags {
		b = appendBytes(b, tag)
	}
	b = appendBytes(b, e.Meta)
	b = binary.AppendUvarint(b, uint64(len(e.Body)))
	b = append(b, body...)
	binary.BigEndian.PutUint64(b[atSum:], checksum(e.Key, b[atRest:]))
	return b
}

func appendBytes[T string | []byte](b []byte, v T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

func checksum(key string, rest []byte) uint64 {
	var d xxhash.Digest
	d.Reset()
	_, _ = d.WriteString(key)
	_, _ = d.Write([]byte{0})
	_, _ = d.Write(rest)
	return d.Sum64()
}

// open reads what seal wrote. An entry that isn't valid yet is nil without an error. most bounds the body.
func open(key string, b []byte, most int64) (*Entry, error) {
	if len(b) < atRest+1 || b[0] != magic || b[1] != version || b[atValid] > valid {
		return nil, errForeign
	}
	if b[atValid] == provisional {
		return nil, nil
	}
	rest := b[atRest:]
	if binary.BigEndian.Uint64(b[atSum:]) != checksum(key, rest) {
		return nil, errForeign
	}
	r := reader{rest: rest[1:]}
	e := &Entry{Key: key, Created: r.time(), Expires: r.time(), StaleUntil: r.time(), Took: time.Duration(r.number())} //nolint:gosec // as written
	if n := r.number(); n <= uint64(len(r.rest)) {
		e.Tags = r.texts(int(n)) //nolint:gosec // bounded by what is there
	} else {
		r.bad = true
	}
	e.Meta = r.bytes()
	size := r.number()
	if r.bad || size > uint64(most) { //nolint:gosec // not negative
		return nil, errForeign
	}
	e.Body = r.rest
	if rest[0] == 1 {
		if n, err := s2.DecodedLen(r.rest); err != nil || uint64(n) != size { //nolint:gosec // not negative
			return nil, errForeign
		}
		body, err := s2.Decode(nil, r.rest)
		if err != nil {
			return nil, errForeign
		}
		e.Body = body
	}
	if uint64(len(e.Body)) != size || e.StaleUntil.Before(e.Expires) {
		return nil, errForeign
	}
	return e, nil
}

// reader takes one value after the other off bytes. Once something is missing, bad is set and all is zero.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) time() time.Time {
	if len(r.rest) < 8 {
		r.bad, r.rest = true, nil
		return time.Time{}
	}
	v := binary.BigEndian.Uint64(r.rest)
	r.rest = r.rest[8:]
	return time.Unix(0, int64(v)) //nolint:gosec // as written
}

// texts takes n texts, which share their memory.
func (r *reader) texts(n int) []string {
	from, texts := r.rest, make([]string, n)
	for range n {
		r.bytes()
	}
	if r.bad {
		return nil
	}
	all, at := reader{rest: from}, string(from[:len(from)-len(r.rest)])
	for i := range texts {
		before := len(all.rest)
		text := all.bytes()
		read := before - len(all.rest)
		texts[i], at = at[read-len(text):read], at[read:]
	}
	return texts
}

func (r *reader) bytes() []byte {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return nil
	}
	v := r.rest[:n:n]
	r.rest = r.rest[n:]
	return v
}

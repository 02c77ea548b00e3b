package reuse

import (
	"encoding/binary"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/upstreams/body"
	"github.com/tributary-gateway/tributary/upstreams/reuse/rfc9111"
)

// kind is what an entry is.
type kind byte

const (
	whole  kind = 'w' // an answer
	item   kind = 'i' // the JSON of one key
	absent kind = 'a' // a key for which there's nothing
	gone   kind = 'g' // nothing: what stood there no longer holds
)

// record is a kept answer. Several requests share one, so nothing in it is changed.
type record struct {
	kind   kind
	terms  rfc9111.Terms
	status int
	header http.Header
	body   []byte
	source []byte // of an item
}

// version is of what meta writes. Another one's entries are none.
const version = 1

const (
	validate = 1 << iota
	told
	shared
)

// meta is all of a record but its body.
func (rec *record) meta() []byte {
	t := &rec.terms
	b := make([]byte, 0, 64+32*len(rec.header))
	flags := byte(0)
	for i, set := range [...]bool{t.Validate, t.Told, t.Shared} {
		if set {
			flags |= 1 << i
		}
	}
	b = append(b, version, byte(rec.kind), flags)
	b = binary.AppendVarint(b, t.Received.UnixNano())
	for _, d := range [...]time.Duration{t.Age, t.Lifetime, t.StaleWhileRevalidate, t.StaleIfError, t.Keep} {
		b = binary.AppendVarint(b, int64(d))
	}
	b = binary.AppendUvarint(b, uint64(rec.status)) //nolint:gosec // 100 to 999
	lines := 0
	for _, values := range rec.header {
		lines += len(values)
	}
	b = binary.AppendUvarint(b, uint64(lines)) //nolint:gosec // not negative
	for name, values := range rec.header {
		for _, v := range values {
			b = part(part(b, name), v)
		}
	}
	return append(b, rec.source...)
}

// read makes a record of an entry; it's false when the entry is none.
func (rec *record) read(e *store.Entry) bool {
	r := reader{rest: e.Meta, ok: true}
	if len(r.rest) < 3 || r.rest[0] != version {
		return false
	}
	rec.kind, rec.body = kind(r.rest[1]), e.Body
	if rec.kind == gone {
		return false
	}
	flags := r.rest[2]
	r.rest = r.rest[3:]
	t := &rec.terms
	t.Validate, t.Told, t.Shared = flags&validate != 0, flags&told != 0, flags&shared != 0
	t.Received = time.Unix(0, r.varint())
	for _, d := range [...]*time.Duration{&t.Age, &t.Lifetime, &t.StaleWhileRevalidate, &t.StaleIfError, &t.Keep} {
		*d = time.Duration(r.varint())
	}
	rec.status = int(r.uvarint()) //nolint:gosec // checked below
	rec.header = r.header(rec.kind == whole)
	if rec.kind != whole {
		rec.source = r.rest
	}
	return r.ok && (rec.kind != whole || rec.status >= 200 && rec.status <= 599)
}

// reader reads what meta wrote. After something else ok is false.
type reader struct {
	rest []byte
	text string // the rest as text, once there are texts
	ok   bool
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	return v * int64(r.skip(n))
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	return v * uint64(r.skip(n)) //nolint:gosec // 0 or 1
}

// skip is 1 when n bytes could be read.
func (r *reader) skip(n int) int {
	if n <= 0 {
		r.ok, r.rest = false, nil
		return 0
	}
	r.rest = r.rest[n:]
	return 1
}

func (r *reader) header(wanted bool) http.Header {
	lines := r.uvarint()
	if !r.ok || !wanted || lines > uint64(len(r.rest))/2 {
		r.ok = r.ok && lines == 0
		return nil
	}
	r.text = string(r.rest) // one piece for all of them
	h := make(http.Header, lines+1)
	values := make([]string, lines, lines+1)
	for i := range values {
		name, value := r.string(), r.string()
		if !r.ok {
			return nil
		}
		if had := h[name]; had != nil {
			h[name] = append(slices.Clip(had), value)
			continue
		}
		values[i] = value
		h[name] = values[i : i+1 : i+1]
	}
	return h
}

func (r *reader) string() string {
	n, used := binary.Uvarint(r.rest)
	if used <= 0 || n > uint64(len(r.rest)-used) {
		r.ok = false
		return ""
	}
	from := len(r.text) - len(r.rest) + used
	r.rest = r.rest[used+int(n):]     //nolint:gosec // within
	return r.text[from : from+int(n)] //nolint:gosec // within
}

// response is the record as the answer to a request, at an age.
func (rec *record) response(r *http.Request, age time.Duration) *http.Response {
	own := *rec
	own.header = maps.Clone(rec.header)
	return own.handOver(r, age)
}

// handOver is response for a record that nobody else has: the header is the answer's from now on.
func (rec *record) handOver(r *http.Request, age time.Duration) *http.Response {
	if rec.header == nil {
		rec.header = http.Header{}
	}
	rec.header["Age"] = []string{strconv.FormatInt(int64(age/time.Second), 10)}
	status := "200 OK"
	if rec.status != http.StatusOK {
		status = strconv.Itoa(rec.status) + " " + http.StatusText(rec.status)
	}
	return &http.Response{
		Status: status, StatusCode: rec.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: rec.header,
		Body: body.Wrap(rec.body), ContentLength: int64(len(rec.body)), Request: r,
	}
}

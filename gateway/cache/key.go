package cache

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/tributary-gateway/tributary/gateway/secret"
)

// keys makes the keys of answers: a hash over parts, each after its length, so that no part can look like two.
type keys struct {
	namespace string
	scratch   sync.Pool // of *scratch
}

type scratch struct {
	b   []byte
	mac hash.Hash
	sum [sha256.Size]byte
}

func newKeys(namespace string, key secret.Text) *keys {
	k := &keys{namespace: namespace}
	k.scratch.New = func() any { return &scratch{mac: hmac.New(sha256.New, []byte(key.Reveal()))} }
	return k
}

// who is in the key.
type who byte

const (
	everybody who = 'p' // answers that all may share whose other parts are the same
	oneself   who = 's' // answers for the caller
)

// of makes the key of a request. prefix tells kinds of keys apart.
func (k *keys) of(prefix string, q *Request, w who) (string, bool) {
	s, ok := k.scratch.Get().(*scratch)
	if !ok {
		return "", false // the pool holds nothing else
	}
	defer k.scratch.Put(s)
	b := sized(s.b[:0], k.namespace)
	b = append(b, q.Plan.hash[:]...)
	at := len(b)
	b = binary.BigEndian.AppendUint32(b, 0)
	b, known := q.Plan.appendVariables(b, q.Variables)
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4)) //nolint:gosec // a request's size
	b = binary.BigEndian.AppendUint32(b, uint32(len(q.Vary)))
	for _, h := range q.Vary {
		b = sized(sized(b, h.Name), h.Value)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(q.Inputs)))
	for _, input := range q.Inputs {
		b = sized(b, input)
	}
	b = append(b, byte(w))
	if w == oneself {
		s.mac.Reset()
		s.b = append(s.b[:0], b...) // b may have outgrown it
		b = s.b
		n := len(b)
		b = append(b, q.Subject...)
		_, _ = s.mac.Write(b[n:])
		b = s.mac.Sum(b[:n])
	}
	s.b = b
	s.sum = sha256.Sum256(b)
	var text [64]byte
	out := append(text[:0], prefix...)
	out = base64.RawURLEncoding.AppendEncode(out, s.sum[:24])
	return string(out), known
}

// sized appends a part after its length.
func sized(b []byte, part string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(part))) //nolint:gosec // a request's size
	return append(b, part...)
}

// appendVariables writes the variables that the operation uses as canonical JSON. One that isn't given is left out, and
// its default, where it has one, stands for it. known is false for a value that JSON has no form for.
func (p *Plan) appendVariables(b []byte, given map[string]any) (_ []byte, known bool) {
	b = append(b, '{')
	known = true
	for _, v := range p.variables {
		value, there := given[v.name]
		if !there && v.given {
			value, there = v.standard, true
		}
		if !there {
			continue
		}
		b = strconv.AppendQuote(b, v.name)
		b = append(b, ':')
		b, known = appendJSON(b, value, known)
		b = append(b, ',')
	}
	return append(b, '}'), known
}

// appendJSON writes a value, objects with their keys in order. Numbers stay as they were written: 1 and 1.0 are two keys.
func appendJSON(b []byte, value any, known bool) ([]byte, bool) {
	switch v := value.(type) {
	case nil:
		return append(b, "null"...), known
	case bool:
		return strconv.AppendBool(b, v), known
	case string:
		return strconv.AppendQuote(b, v), known
	case json.Number:
		return append(b, v...), known
	case int:
		return strconv.AppendInt(b, int64(v), 10), known
	case int64:
		return strconv.AppendInt(b, v, 10), known
	case float64:
		return strconv.AppendFloat(b, v, 'g', -1, 64), known
	case []any:
		b = append(b, '[')
		for _, item := range v {
			b, known = appendJSON(b, item, known)
			b = append(b, ',')
		}
		return append(b, ']'), known
	case map[string]any:
		b = append(b, '{')
		for _, name := range slices.Sorted(maps.Keys(v)) {
			b = strconv.AppendQuote(b, name)
			b = append(b, ':')
			b, known = appendJSON(b, v[name], known)
			b = append(b, ',')
		}
		return append(b, '}'), known
	}
	text, err := json.Marshal(value)
	if err != nil {
		return b, false
	}
	return append(b, text...), known
}

package template

import (
	"bytes"
	"slices"

	"github.com/tributary-gateway/tributary/upstreams/view"
)

// Keyring is a set of keys in the order in which they came; the place of a key is its number in it. Making a key of a
// value costs no memory when the key is there already: the parents of a list share few. The zero Keyring is empty and
// ready; it's for one goroutine.
type Keyring struct {
	keys   []LookupKey
	last   int32            // the place that was found last
	places map[string]int32 // nil while there are few
}

// few is how many keys are looked at one by one.
const few = 12

// NewKeyring makes a Keyring of different keys, which it doesn't change.
func NewKeyring(keys []LookupKey) *Keyring {
	return &Keyring{keys: keys[:len(keys):len(keys)]}
}

// Grow makes room for n more keys.
func (r *Keyring) Grow(n int) { r.keys = slices.Grow(r.keys, n) }

// Keys are the keys, by their places.
func (r *Keyring) Keys() []LookupKey { return r.keys }

// Len is how many there are.
func (r *Keyring) Len() int { return len(r.keys) }

// Add gives the place of a key, which is added when there is none of its text.
func (r *Keyring) Add(key LookupKey) int32 {
	place, ok := r.place([]byte(key.Text))
	if !ok {
		place = r.add(key)
	}
	return place
}

// AddValue is Add for KeyOf(v).
func (r *Keyring) AddValue(v view.Value) (int32, error) {
	if raw, ok := plainKey(v); ok {
		place, ok := r.place(raw)
		if !ok {
			place = r.add(LookupKey{Text: string(raw), Number: v.Kind() == view.KindNumber})
		}
		return place, nil
	}
	key, err := KeyOf(v)
	if err != nil {
		return 0, err
	}
	return r.Add(key), nil
}

// Find gives the place of a value's key; it's false when v is no key, or none of these.
func (r *Keyring) Find(v view.Value) (int32, bool) {
	if raw, ok := plainKey(v); ok {
		return r.place(raw)
	}
	key, err := KeyOf(v)
	if err != nil {
		return 0, false
	}
	return r.place([]byte(key.Text))
}

// Cut takes away all keys but the first n.
func (r *Keyring) Cut(n int) {
	for _, key := range r.keys[n:] {
		delete(r.places, key.Text)
	}
	r.keys, r.last = r.keys[:n], 0
}

// place looks a text up. Neighbours in a list often have the same key, or the next one.
func (r *Keyring) place(text []byte) (int32, bool) {
	for place := r.last; place < r.last+2 && int(place) < len(r.keys); place++ {
		if r.keys[place].Text == string(text) {
			r.last = place
			return place, true
		}
	}
	place, ok := r.search(text)
	if ok {
		r.last = place
	}
	return place, ok
}

func (r *Keyring) search(text []byte) (int32, bool) {
	if len(r.keys) <= few {
		for i := range r.keys {
			if r.keys[i].Text == string(text) {
				return int32(i), true
			}
		}
		return 0, false
	}
	if r.places == nil {
		r.places = make(map[string]int32, 2*len(r.keys))
		for i, key := range r.keys {
			r.places[key.Text] = int32(i)
		}
	}
	place, ok := r.places[string(text)]
	return place, ok
}

func (r *Keyring) add(key LookupKey) int32 {
	place := int32(len(r.keys))
	r.keys = append(r.keys, key)
	if r.places != nil {
		r.places[key.Text] = place
	}
	r.last = place
	return place
}

// plainKey is the text of a value's key where that is what the service wrote.
func plainKey(v view.Value) (raw []byte, ok bool) {
	raw = v.Raw()
	switch {
	case v.Kind() == view.KindNumber && len(raw) < 300 && isDigits(raw): // longer ones may be over what a double has
		return raw, true
	case v.Kind() == view.KindString && bytes.IndexByte(raw, '\\') < 0:
		return raw[1 : len(raw)-1], true
	}
	return nil, false
}

// isDigits tells whether a number is written as an ID of the same value is.
func isDigits(raw []byte) bool {
	for _, c := range raw {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

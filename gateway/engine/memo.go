package engine

import "github.com/tributary-gateway/tributary/upstreams/view"

// memo remembers where in the answer views were written without an error. It's small and forgets: a view takes the place of
// another one whose number ends the same.
type memo struct {
	places []written // memoSize of them, made when the first is remembered
	used   bool
	end    int // of what was remembered last
}

const memoSize = 64

type written struct {
	object   *planObject
	value    view.Value
	from, to int // in the answer
}

// at is where a view would be remembered.
func (m *memo) at(v view.Value) *written { return &m.places[v.Ordinal()%memoSize] }

func (m *memo) find(o *planObject, v view.Value) (from, to int, ok bool) {
	if !m.used {
		return 0, 0, false
	}
	w := m.at(v)
	return w.from, w.to, w.object == o && w.value == v
}

func (m *memo) add(o *planObject, v view.Value, from, to int) {
	if m.places == nil {
		m.places = make([]written, memoSize)
	}
	m.used, m.end = true, to
	*m.at(v) = written{o, v, from, to}
}

// cut forgets what was written after a place that the answer is cut back to.
func (m *memo) cut(length int) {
	if !m.used || m.end <= length {
		return
	}
	m.end = length
	for i := range m.places {
		if m.places[i].to > length {
			m.places[i] = written{}
		}
	}
}

// forget lets go of everything, and keeps the memory.
func (m *memo) forget() {
	if m.used {
		clear(m.places)
		m.used = false
	}
}

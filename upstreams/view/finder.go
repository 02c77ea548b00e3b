package view

// Finder finds members of objects, of one object after the other. Objects of one list nearly always have the same names in
// the same order; so it remembers which names it saw where, and has to compare each member with one name only. The zero
// Finder is ready. It's for one goroutine, and refers to the document that it looked into last.
type Finder struct {
	doc  *Document
	seen []seen // by position among the members
}

// seen is a member name of doc, by its bytes, and its number among the names wanted.
type seen struct {
	key, keyLen uint32
	wanted      int32
}

const unwanted = -1

// Find puts the members that names tells into found, which has as many places: what Get gives for each of them. The
// names have to be different, and the same for every call.
func (f *Finder) Find(v Value, names []string, found []Value) {
	clear(found)
	if v.Kind() != KindObject {
		return
	}
	if v.doc != f.doc {
		f.doc, f.seen = v.doc, f.seen[:0]
	}
	nodes, src := v.doc.nodes, v.doc.src
	at, end := v.node+1, nodes[v.node].next
	for place := 0; at < end; place++ {
		n := &nodes[at]
		var wanted int32
		if place < len(f.seen) && n.meta&keyEscaped == 0 && f.seen[place].same(n, src) {
			wanted = f.seen[place].wanted
		} else {
			wanted = f.look(place, n, names)
		}
		if wanted != unwanted {
			found[wanted] = Value{v.doc, at} // the last one of a name, as Get
		}
		at = n.next
	}
}

// same tells whether a member has the name that was seen.
func (s *seen) same(n *node, src []byte) bool {
	return s.keyLen == n.keyLen && string(src[s.key:s.key+s.keyLen]) == string(src[n.key:n.key+n.keyLen])
}

// look finds a member's name among those wanted, and remembers it.
func (f *Finder) look(place int, n *node, names []string) int32 {
	name := f.doc.src[n.key : n.key+n.keyLen]
	if n.meta&keyEscaped != 0 {
		name = unescape(make([]byte, 0, len(name)), name)
	}
	wanted := int32(unwanted)
	for i, w := range names {
		if w == string(name) {
			wanted = int32(i)
			break
		}
	}
	switch {
	case n.meta&keyEscaped != 0: // its bytes aren't its name
	case place < len(f.seen):
		f.seen[place] = seen{n.key, n.keyLen, wanted}
	case place == len(f.seen):
		f.seen = append(f.seen, seen{n.key, n.keyLen, wanted})
	}
	return wanted
}

// Forget lets go of the document, and keeps the memory.
func (f *Finder) Forget() { f.doc, f.seen = nil, f.seen[:0] }

package engine

import (
	"encoding/json"
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql"
)

// Buffers that grew beyond recycleMax are left to the garbage collector, so that one big answer doesn't stay for good.
const recycleMax = 4 << 20

var (
	writers sync.Pool // of *writer
	buffers sync.Pool // of *[]byte
)

// Recycle gives the data of a response back to the engine. The caller promises that nobody will read it any more; who
// can't, leaves it to the garbage collector.
func Recycle(data json.RawMessage) {
	if cap(data) == 0 || cap(data) > recycleMax {
		return
	}
	buf := []byte(data[:0])
	buffers.Put(&buf)
}

func getWriter(r *run) *writer {
	w, _ := writers.Get().(*writer)
	if w == nil {
		w = &writer{}
	}
	w.run = r
	if n := r.plan.objects; n > len(w.finders) {
		w.finders = slices.Grow(w.finders, n-len(w.finders))[:n]
	}
	for _, e := range graphql.GetErrors(r.ctx) {
		if w.reported == nil {
			w.reported = map[string]bool{}
		}
		w.reported[e.Path.String()] = true
	}
	if buf, ok := buffers.Get().(*[]byte); ok {
		w.buf = *buf
	} else {
		w.buf = make([]byte, 0, 512)
	}
	return w
}

// putWriter keeps the path's memory and nothing of the run.
func putWriter(w *writer) {
	clear(w.path[:cap(w.path)])
	for i := range w.run.plan.objects {
		w.finders[i].Forget()
	}
	clear(w.found[:cap(w.found)])
	w.written.forget()
	*w = writer{path: w.path[:0], finders: w.finders, found: w.found[:0], written: w.written}
	writers.Put(w)
}

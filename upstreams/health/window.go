package health

import "time"

// buckets is how many steps a window moves in.
const buckets = 10

// window counts the requests of the recent past and how many of them failed.
type window struct {
	step    time.Duration
	counts  [buckets]count
	current int64 // the number of the step that is counted now, from the zero of time on
}

type count struct{ all, failed int32 }

func (w *window) add(now time.Time, failed bool) {
	w.move(now)
	c := &w.counts[w.current%buckets]
	c.all++
	if failed {
		c.failed++
	}
}

// sum is what the window holds now.
func (w *window) sum(now time.Time) (all, failed int) {
	w.move(now)
	for _, c := range w.counts {
		all += int(c.all)
		failed += int(c.failed)
	}
	return all, failed
}

func (w *window) reset() { w.counts = [buckets]count{} }

// move empties the steps that have passed since the last time. A clock that goes backwards moves nothing.
func (w *window) move(now time.Time) {
	at := now.UnixNano() / int64(w.step)
	if at <= w.current {
		return
	}
	for i := max(w.current+1, at-buckets+1); i <= at; i++ {
		w.counts[i%buckets] = count{}
	}
	w.current = at
}

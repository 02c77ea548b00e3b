package memory

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// calm is how long no garbage was collected when things are calm.
	calm = 5 * time.Second
	// worth is how much memory must have come since the last time, in bytes, for it to be worth looking for garbage.
	worth = 16 << 20
)

// trim gives memory back that a burst has left behind. With a heap that may grow fourfold, a process that has little to do
// after a burst would keep what it took for a long time: it isn't collected before the heap has grown again.
func trim(ctx context.Context) {
	tick := time.NewTicker(calm)
	defer tick.Stop()
	t := trimmer{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if t.due(read()) {
				debug.FreeOSMemory()
				t.freed(read())
			}
		}
	}
}

// sample is what the runtime tells.
type sample struct {
	cycles uint64 // of collection
	held   uint64 // bytes of heap that the system has given us
}

// trimmer decides when memory is given back.
type trimmer struct{ last, least sample }

// due says whether nothing was collected since the last sample, and enough memory is there that wasn't when it was last
// given back.
func (t *trimmer) due(now sample) bool {
	quiet := now.cycles == t.last.cycles
	t.last = now
	return quiet && now.held > t.least.held+worth
}

func (t *trimmer) freed(now sample) { t.last, t.least = now, now }

func read() sample {
	all := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(all)
	s := sample{cycles: all[0].Value.Uint64()}
	for _, part := range all[1:] {
		s.held += part.Value.Uint64()
	}
	return s
}

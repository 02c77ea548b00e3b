package load

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Exchange is a rendered request with what is right to answer.
type Exchange struct {
	Request []byte
	// Answer is the right JSON. The first answer of a target must mean the same, later ones must be its bytes.
	Answer []byte
}

// Plan is one measurement.
type Plan struct {
	Address     string
	PID         int   // whose CPU time is read; 0 for none
	Beside      []int // other processes whose CPU time is read, in one sum
	Connections int
	// Warmup comes before Duration and counts nothing.
	Warmup, Duration time.Duration
	Exchanges        []Exchange
}

// Result is what was measured.
type Result struct {
	Requests int
	// CPU is user and system time of the process during the measurement.
	CPU time.Duration
	// All is that of the process, of those beside it and of this one.
	All     time.Duration
	Elapsed time.Duration
	// P50 and P99 are of the time from sending a request to having its whole answer.
	P50, P99 time.Duration
}

// PerRequest is the CPU time that one request cost.
func (r Result) PerRequest() time.Duration {
	if r.Requests == 0 {
		return 0
	}
	return r.CPU / time.Duration(r.Requests)
}

// PerSecond is the throughput.
func (r Result) PerSecond() float64 { return float64(r.Requests) / r.Elapsed.Seconds() }

// Verify sends each request once and gives the exchanges with the bytes that the target answered, when they are right.
func Verify(address string, exchanges []Exchange) ([]Exchange, error) {
	c, err := Dial(address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	learned := slices.Clone(exchanges)
	for i, e := range exchanges {
		status, body, err := c.Do(e.Request)
		if err != nil {
			return nil, err
		}
		if status != 200 || !sameJSON(body, e.Answer) {
			return nil, fmt.Errorf("wrong answer: status %d, %s instead of %s", status, start(body), start(e.Answer))
		}
		learned[i].Answer = bytes.Clone(body)
	}
	return learned, nil
}

func start(text []byte) []byte { return text[:min(len(text), 300)] }

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// worker is one connection with what it has done.
type worker struct {
	done  atomic.Int64
	times []time.Duration // guarded by the join at the end
	err   error
}

// Measure does what the plan says.
func Measure(p Plan) (Result, error) {
	exchanges, err := Verify(p.Address, p.Exchanges)
	if err != nil {
		return Result{}, err
	}
	var (
		stop, counting atomic.Bool
		wait           sync.WaitGroup
		workers        = make([]worker, p.Connections)
		failed         = make(chan struct{}, p.Connections)
	)
	defer wait.Wait()
	defer stop.Store(true)
	for i := range workers {
		w := &workers[i]
		w.times = make([]time.Duration, 0, 4096)
		wait.Go(func() {
			if w.err = w.run(p.Address, exchanges, i*7, &stop, &counting); w.err != nil {
				failed <- struct{}{}
			}
		})
	}
	pass := func(d time.Duration) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-failed:
			failed <- struct{}{} // for the next wait
		}
	}
	pass(p.Warmup)
	counting.Store(true)
	before, begun := total(workers), time.Now()
	used, all, err := p.used()
	if err != nil {
		return Result{}, err
	}
	pass(p.Duration)
	after, elapsed := total(workers), time.Since(begun)
	usedAfter, allAfter, err := p.used()
	if err != nil {
		return Result{}, err
	}
	stop.Store(true)
	wait.Wait()
	var times []time.Duration
	for i := range workers {
		if err := workers[i].err; err != nil {
			return Result{}, err
		}
		times = append(times, workers[i].times...)
	}
	slices.Sort(times)
	r := Result{Requests: after - before, CPU: usedAfter - used, All: allAfter - all, Elapsed: elapsed}
	if len(times) > 0 {
		r.P50, r.P99 = times[len(times)/2], times[len(times)*99/100]
	}
	return r, nil
}

// used is the CPU time that the process has taken so far, and that of all.
func (p Plan) used() (one, all time.Duration, err error) {
	if one, err = CPU(p.PID); err != nil {
		return 0, 0, err
	}
	all = one
	for _, pid := range append([]int{os.Getpid()}, p.Beside...) {
		used, err := CPU(pid)
		if err != nil {
			return 0, 0, err
		}
		all += used
	}
	return one, all, nil
}

func total(workers []worker) int {
	sum := int64(0)
	for i := range workers {
		sum += workers[i].done.Load()
	}
	return int(sum)
}

// run sends the requests in turn, beginning with one of its own, until stop.
func (w *worker) run(address string, exchanges []Exchange, first int, stop, counting *atomic.Bool) error {
	c, err := Dial(address)
	if err != nil {
		return err
	}
	defer c.Close()
	for i := first; !stop.Load(); i++ {
		e := &exchanges[i%len(exchanges)]
		sent := time.Now()
		status, body, err := c.Do(e.Request)
		if err != nil {
			return err
		}
		if status != 200 || !bytes.Equal(body, e.Answer) {
			return fmt.Errorf("an answer differs from the first: status %d, %s", status, start(body))
		}
		w.done.Add(1)
		if counting.Load() {
			w.times = append(w.times, time.Since(sent))
		}
	}
	return nil
}

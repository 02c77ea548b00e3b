package engine

import (
	"context"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
)

// task is a column that calls methods or resolvers. One call for all objects, or a call for each by as many workers as
// it takes to keep them from waiting for each other.
type task struct {
	run *run
	col *column
	// For calls per object:
	next    atomic.Int32 // the next object
	left    atomic.Int32 // objects without a result
	live    atomic.Int32 // workers
	awaited atomic.Bool  // a worker was started and hasn't begun
}

func newTask(r *run, c *column) *task {
	t := &task{run: r, col: c}
	t.left.Store(int32(len(c.group.objs)))
	t.live.Store(1)
	return t
}

// launch starts all tasks but one, which it leaves to its caller's goroutine.
func (r *run) launch(tasks []*task) *task {
	if len(tasks) == 0 {
		return nil
	}
	r.tracker.Start(len(tasks))
	last := len(tasks) - 1
	for _, t := range tasks[:last] {
		r.workers.Go(func() { r.work(t) })
	}
	return tasks[last]
}

// work runs a task, and then one of those that it led to, and so on.
func (r *run) work(t *task) {
	for t != nil {
		next := t.work()
		r.tracker.Done()
		t = next
	}
}

// work does the task, or its part of it. Who finishes it starts the tasks below, and returns one of them.
func (t *task) work() *task {
	c, r := t.col, t.run
	if b, ok := c.field.binding.source.(batchSource); ok {
		c.batch(r, b)
		return r.launch(r.below(c, nil))
	}
	n := int32(len(c.group.objs))
	t.awaited.Store(false)
	if c.results == nil && !t.prepare() {
		return r.launch(r.below(c, nil))
	}
	finished := false
	for {
		i := t.next.Add(1) - 1
		if i >= n {
			break
		}
		t.help(i+1 < n)
		t.call(int(i))
		finished = t.left.Add(-1) == 0
	}
	t.live.Add(-1)
	if !finished {
		return nil
	}
	return r.launch(r.below(c, nil))
}

// help starts another worker when there are objects left. The next one is started when that one runs: calls that return
// at once are done by the first worker before others come, while calls that wait have company soon.
func (t *task) help(more bool) {
	if !more || t.awaited.Load() || int(t.live.Load()) >= t.run.concurrency || !t.awaited.CompareAndSwap(false, true) {
		return
	}
	t.live.Add(1)
	t.run.tracker.Start(1)
	t.run.workers.Go(func() { t.run.work(t) })
}

// prepare makes room for the results. It's false when there is no point in calling.
func (t *task) prepare() bool {
	c := t.col
	n := len(c.group.objs)
	switch s := c.field.binding.source.(type) {
	case source:
		c.results = s.make(n)
	case delegated:
		c.results = make(delegatedResults, n)
	}
	_, c.err = t.run.arguments(c)
	return c.err == nil
}

// call resolves the field for one object.
func (t *task) call(i int) {
	c, r := t.col, t.run
	if r.ctx.Err() != nil {
		c.fail(i, context.Cause(r.ctx))
		return
	}
	switch s := c.field.binding.source.(type) {
	case source:
		args, _ := r.arguments(c)
		c.call(&fieldContext{Context: c.base, run: r, col: c, object: i}, s, args)
	case delegated:
		ctx := r.parentContext(c, i)
		defer c.rescue(r, ctx, i)
		c.results.(delegatedResults)[i] = s.run(ctx, c.group.objs[i], r.collected(c.field))
	}
}

// rescue turns a panic into the error of an object.
func (c *column) rescue(r *run, ctx context.Context, i int) {
	if p := recover(); p != nil {
		c.fail(i, r.recovered(ctx, p))
	}
}

// rescueAll turns a panic into the error of all objects.
func (c *column) rescueAll(r *run, ctx context.Context) {
	if p := recover(); p != nil {
		c.err = r.recovered(ctx, p)
	}
}

// call puts one result or error in its place.
func (c *column) call(ctx *fieldContext, s source, args *graphql.FieldContext) {
	i := ctx.object
	defer c.rescue(ctx.run, ctx, i)
	if err := s.call(ctx, c.group.objs[i], args, c.results, i); err != nil {
		c.fail(i, err)
	}
	if fc := ctx.made.Load(); fc != nil && fc.NonNull {
		c.require(i)
	}
}

func (c *column) require(i int) {
	c.group.mu.Lock()
	defer c.group.mu.Unlock()
	if c.required == nil {
		c.required = map[int]bool{}
	}
	c.required[i] = true
}

func (c *column) fail(i int, err error) {
	c.group.mu.Lock()
	defer c.group.mu.Unlock()
	if c.errs == nil {
		c.errs = make([]error, len(c.group.objs))
	}
	c.errs[i] = err
}

// batch resolves the field for all objects.
func (c *column) batch(r *run, b batchSource) {
	c.shared = true
	args, err := r.arguments(c)
	if err != nil {
		c.err = err
		return
	}
	if r.ctx.Err() != nil {
		c.err = context.Cause(r.ctx)
		return
	}
	ctx := &fieldContext{Context: c.base, run: r, col: c}
	defer c.rescueAll(r, ctx)
	c.results, c.errs, c.err = b.batch(ctx, c.group.objs, args, c.field.object+"."+c.field.selected[0].field.Name)
}

package engine

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
)

// run is one execution of a plan.
type run struct {
	ctx         context.Context
	op          *graphql.OperationContext
	plan        *plan
	values      []bool // of the plan's guards
	active      []bool // the plan's conditions
	args        []arguments
	tracker     Tracker
	concurrency int
	denials     Denials // nil when nothing is denied
	root        *graphql.FieldContext
	workers     sync.WaitGroup // goroutines besides the one that called
	reports     atomic.Int64   // errors, also those that aren't kept

	// What every run has one of is here, to be one piece of memory.
	prepared  prepared
	rootField graphql.FieldContext
	rootGroup group
	rootObjs  [1]any
	response  graphql.Response
}

// counts tells whether what stands under a condition is part of this run.
func (r *run) counts(when int) bool { return when == always || r.active[when] }

// group is objects of one type at one place of the plan, over all lists there.
type group struct {
	plan *planObject
	objs []any
	// up is the column whose results the objects are, nil for the root. Where they stand in it is only kept when a task
	// may ask for its path.
	up     *column
	base   context.Context // of the columns, for objects of which something comes later; nil for others
	parent []int32         // the position in up's group, by object
	index  []int32         // and the list indices, as many for each object as the field's type has lists
	cols   []*column

	// mu guards elements, and what tasks add to the columns while they run: errors, fields, required.
	mu       sync.Mutex
	elements []*graphql.FieldContext
}

// depth is how many lists are between an object and its field.
func (g *group) depth() int {
	depth := 0
	for t := g.up.field.typ; t.Elem != nil; t = t.Elem {
		depth++
	}
	return depth
}

// column is one field of a group: a result for each of its objects.
type column struct {
	group *group
	field *planField
	// base has the root field.
	base context.Context

	results results
	errs    []error // by object; nil when there are none
	err     error   // of all objects
	shared  bool    // errors may be the same for several objects
	// Where objects below need resolving, cells has the results in completed form: first one for each object, then the
	// elements of lists.
	cells    []cell
	children []*group // by the field's possible types
	faults   []error
	foreign  []graphql.Marshaler

	fields   []*graphql.FieldContext // by object, made on demand
	required map[int]bool            // objects for which graphql.MarkNonNull was called
	done     atomic.Bool             // the results are there
}

// openGroup makes the columns of a group, reads those that are properties, and adds the tasks of the others, and of the
// groups that the properties lead to.
func (r *run) openGroup(g *group, tasks []*task) []*task {
	if len(g.plan.columns) == 0 || len(g.objs) == 0 {
		return tasks
	}
	g.cols = make([]*column, len(g.plan.columns))
	for i, f := range g.plan.columns {
		if !r.counts(f.when) {
			continue
		}
		c := r.newColumn(g, f)
		g.cols[i] = c
		if r.denies(f) {
			c.deny(r)
			continue
		}
		if f.kind == kindTask {
			tasks = append(tasks, newTask(r, c))
			continue
		}
		c.read(r)
		tasks = r.below(c, tasks)
	}
	return tasks
}

func (r *run) newColumn(g *group, f *planField) *column {
	c := &column{group: g, field: f}
	switch {
	case g.base != nil:
		c.base = g.base
	case g.up != nil:
		c.base = g.up.base
	default:
		field := r.collected(f)
		c.base = graphql.WithRootFieldContext(r.ctx, &graphql.RootFieldContext{Object: field.Name, Field: field})
	}
	return c
}

// deny is for a column that the caller may not have: nothing is resolved, and the error is that of all objects.
func (c *column) deny(r *run) {
	c.err = r.denials.Err()
	c.done.Store(true)
}

// read fills a column of properties.
func (c *column) read(r *run) {
	p := c.field.binding.source.(property)
	c.results = p.make(len(c.group.objs))
	ctx := &fieldContext{Context: c.base, run: r, col: c}
	for i := range c.group.objs {
		if i > 0 && p.contextual() {
			ctx = &fieldContext{Context: c.base, run: r, col: c}
		}
		ctx.object = i
		c.call(ctx, p, nil)
	}
}

// below completes the results of a column, and opens the groups of objects that they consist of.
func (r *run) below(c *column, tasks []*task) []*task {
	c.done.Store(true)
	if c.field.flat || c.results == nil {
		return tasks
	}
	c.expand(r)
	for _, g := range c.children {
		if g != nil {
			tasks = r.openGroup(g, tasks)
		}
	}
	return tasks
}

// resolve runs all tasks and gives the root to write.
func (r *run) resolve() *group {
	r.rootObjs[0] = Root{}
	g := &r.rootGroup
	g.plan, g.objs = r.plan.root, r.rootObjs[:]
	if !r.plan.serial {
		r.start(r.openGroup(g, nil))
		return g
	}
	g.cols = make([]*column, len(g.plan.columns))
	for _, s := range g.plan.slots {
		if f := s.field; f.column != none && r.counts(s.when) {
			c := r.newColumn(g, f)
			g.cols[f.column] = c
			if r.denies(f) {
				c.deny(r)
				continue
			}
			r.start([]*task{newTask(r, c)})
		}
	}
	return g
}

// start runs tasks and all that they lead to.
func (r *run) start(tasks []*task) {
	if next := r.launch(tasks); next != nil {
		r.work(next)
		r.workers.Wait()
	}
}

// collected is the field as resolvers see it.
func (r *run) collected(f *planField) graphql.CollectedField {
	if f.merged.Field != nil {
		return f.merged
	}
	return collected(f.selected, func(when all) bool { return when.holds(r.values) })
}

package engine

import (
	"context"
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// An answer with @defer has a first part, and then one for each fragment and object that it was deferred for. Fragments
// begin when the first part is written, each in a goroutine of its own and over all its objects at once, so that what is
// the same for many objects of a list is still one batch, and a slow fragment holds back no other.

// laterObject is an object in the answer of which something comes later.
type laterObject struct {
	group *group
	at    int
	from  int // where it begins in what was written
}

// job is one deferred fragment, for all objects of one group.
type job struct {
	plan    *planDefer
	group   *group
	objects []int
}

// jobs are the fragments that the objects were written without.
func (r *run) jobs(objects []laterObject) []*job {
	var all []*job
	type key struct {
		group *group
		plan  *planDefer
	}
	known := map[key]*job{}
	for _, o := range objects {
		for _, d := range o.group.plan.defers {
			if !r.counts(d.when) {
				continue
			}
			k := key{o.group, d}
			if known[k] == nil {
				known[k] = &job{plan: d, group: o.group}
				all = append(all, known[k])
			}
			known[k].objects = append(known[k].objects, o.at)
		}
	}
	return all
}

// parts are the later parts of an answer, in the order in which they are done.
type parts struct {
	wake chan struct{} // has room for one; something happened

	mu      sync.Mutex // guards what follows
	running int        // jobs that haven't ended
	ready   []*graphql.Response
}

func newParts(r *run, jobs []*job) *parts {
	p := &parts{wake: make(chan struct{}, 1), running: len(jobs)}
	p.start(r, jobs)
	return p
}

// next waits for the next part. It's nil after the last, and when ctx has ended. Nil parts have none.
func (p *parts) next(ctx context.Context) *graphql.Response {
	if p == nil {
		return nil
	}
	for {
		p.mu.Lock()
		if len(p.ready) > 0 {
			response := p.ready[0]
			p.ready = p.ready[1:]
			more := len(p.ready) > 0 || p.running > 0
			p.mu.Unlock()
			response.HasNext = &more
			return response
		}
		running := p.running
		p.mu.Unlock()
		if running == 0 {
			return nil
		}
		select {
		case <-p.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

// start starts jobs that are counted.
func (p *parts) start(r *run, jobs []*job) {
	r.tracker.Start(len(jobs)) // so that loaders wait for the keys of all
	for _, j := range jobs {
		go p.work(r, j)
	}
}

// work resolves and writes a fragment, and starts those inside it.
func (p *parts) work(r *run, j *job) {
	own := r.again()
	g := j.open(own)
	var next *task
	broken := own.careful(func() { next = own.launch(own.openGroup(g, nil)) })
	r.tracker.Done()
	var all []*graphql.Response
	var later []laterObject
	if broken == nil {
		if next != nil {
			own.work(next)
			own.workers.Wait()
		}
		broken = own.careful(func() { all, later = own.written(j, g) })
	}
	if broken != nil {
		graphql.AddError(own.ctx, broken)
		all, later = []*graphql.Response{{Data: []byte("null"), Path: own.pathOf(g, 0), Label: j.plan.label, Errors: graphql.GetErrors(own.ctx)}}, nil
	}
	inside := own.jobs(later)
	p.mu.Lock()
	p.ready = append(p.ready, all...) // before those inside: clients put these where the others are
	p.running += len(inside) - 1
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
	if len(inside) > 0 {
		p.start(own, inside)
	}
}

// careful makes an error of a panic, which would end the process here.
func (r *run) careful(do func()) (err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			err = r.recovered(r.ctx, thrown)
		}
	}()
	do()
	return nil
}

// again is another run of the same operation, whose errors are its own.
func (r *run) again() *run {
	own := &run{
		op: r.op, plan: r.plan, values: r.values, active: r.active, args: r.args, tracker: r.tracker,
		concurrency: r.concurrency, denials: r.denials, root: r.root,
	}
	own.ctx = graphql.WithFreshResponseContext(r.ctx)
	return own
}

// open makes a group of the objects.
func (j *job) open(r *run) *group {
	from := j.group
	g := &group{plan: j.plan.object, up: from.up}
	if from.up != nil {
		g.base = graphql.WithRootFieldContext(r.ctx, graphql.GetRootFieldContext(from.up.base))
	}
	depth := 0
	if from.up != nil {
		depth = from.depth()
	}
	for _, i := range j.objects {
		g.objs = append(g.objs, from.objs[i])
		if from.up != nil {
			g.parent = append(g.parent, from.parent[i])
			g.index = append(g.index, from.index[i*depth:(i+1)*depth]...)
		}
	}
	return g
}

func (r *run) pathOf(g *group, i int) ast.Path {
	if g.up == nil {
		return nil
	}
	return r.elementOf(g, i).Path()
}

// written makes a part of each object.
func (r *run) written(j *job, g *group) (all []*graphql.Response, later []laterObject) {
	told := 0
	for i := range g.objs {
		data, inside := write(r, g, i, r.elementOf(g, i))
		if data == nil {
			return nil, nil // nobody waits any more
		}
		errs := graphql.GetErrors(r.ctx)
		all = append(all, &graphql.Response{
			Data: data, Path: r.pathOf(g, i), Label: j.plan.label, Errors: slices.Clone(errs[told:]),
		})
		told = len(errs)
		later = append(later, inside...)
	}
	if more := r.unreported(); more != nil {
		last := all[len(all)-1]
		last.Errors = append(gqlerror.List{}, append(last.Errors, more...)...)
	}
	return all, later
}

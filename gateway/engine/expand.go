package engine

import (
	"fmt"

	"github.com/99designs/gqlgen/graphql"
)

// cell is a completed result, or an element of one.
type cell struct {
	kind  cellKind
	group uint16 // of the column's children
	at    int32
	n     int32
}

type cellKind uint8

const (
	cellNull cellKind = iota
	// cellNil is a Go interface without a value.
	cellNil
	// cellObject is the object at `at` of a child group.
	cellObject
	// cellList is n cells from `at` on.
	cellList
	// cellFault is an error of the column.
	cellFault
	// cellForeign is a Marshaler of the column.
	cellForeign
)

// expansion completes the results of one column.
type expansion struct {
	col    *column
	object int     // whose result it is
	index  []int32 // where in its lists
}

func (c *column) expand(r *run) {
	defer c.rescueAll(r, c.base)
	n := len(c.group.objs)
	c.children = make([]*group, len(c.field.children))
	c.cells = make([]cell, n)
	x := expansion{col: c}
	for i := range n {
		if c.err != nil || c.errs != nil && c.errs[i] != nil {
			continue
		}
		x.object = i
		done := c.results.expand(&x, i)
		c.cells[i] = done
	}
}

// room makes n cells.
func (x *expansion) room(n int) int {
	at := len(x.col.cells)
	x.col.cells = append(x.col.cells, make([]cell, n)...)
	return at
}

// add puts an object into the group of its type.
func (x *expansion) add(name string, obj any) cell {
	i := x.col.field.childIndex(name)
	if i < 0 {
		return x.fault(&panicError{fmt.Errorf("unexpected type %T: %s is not a %s", obj, name, x.col.field.typ.Name())})
	}
	g := x.col.children[i]
	if g == nil {
		g = &group{plan: x.col.field.children[i], up: x.col}
		x.col.children[i] = g
		if n := max(len(x.col.cells)-len(x.col.group.objs), len(x.col.group.objs)); len(x.col.children) == 1 {
			g.reserve(n, len(x.index))
		}
	}
	g.objs = append(g.objs, obj)
	if g.plan.tasks {
		g.parent = append(g.parent, int32(x.object))
		g.index = append(g.index, x.index...)
	}
	return cell{kind: cellObject, group: uint16(i), at: int32(len(g.objs) - 1)}
}

func (g *group) reserve(n, depth int) {
	g.objs = make([]any, 0, n)
	if g.plan.tasks {
		places := make([]int32, n*(1+depth))
		g.parent, g.index = places[:0:n], places[n:n]
	}
}

func (x *expansion) fault(err error) cell {
	x.col.faults = append(x.col.faults, err)
	return cell{kind: cellFault, at: int32(len(x.col.faults) - 1)}
}

func (x *expansion) foreign(m graphql.Marshaler) cell {
	x.col.foreign = append(x.col.foreign, m)
	return cell{kind: cellForeign, at: int32(len(x.col.foreign) - 1)}
}

package cost

import (
	"encoding/binary"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// @skip and @include become conditions over the operation's Boolean variables. Equal conditions have equal numbers.

const (
	always int32 = 0
	never  int32 = -1
)

// condition is a variable that must be true or false together with another condition, or one of several.
type condition struct {
	guard int32 // the variable, or none when it's one of any
	want  bool
	and   int32
	any   []int32
}

// conditions are in an order in which each comes after those it's made of.
type conditions struct {
	list   []condition
	known  map[string]int32
	guards []string // Boolean variables
}

func newConditions() conditions {
	return conditions{list: []condition{{guard: none}}, known: map[string]int32{}}
}

const none = -1

// number is the condition's number, a new one when it's new.
func (c *conditions) number(key []byte, made condition) int32 {
	n, ok := c.known[string(key)]
	if !ok {
		n = int32(len(c.list))
		c.known[string(key)] = n
		c.list = append(c.list, made)
	}
	return n
}

// and adds a variable's value to a condition.
func (c *conditions) and(base int32, guard int32, want bool) int32 {
	for at := base; at > always && c.list[at].any == nil; at = c.list[at].and {
		if c.list[at].guard == guard {
			if c.list[at].want == want {
				return base
			}
			return never
		}
	}
	key := []byte{'&', 0}
	if want {
		key[1] = 1
	}
	key = binary.LittleEndian.AppendUint32(key, uint32(base))
	key = binary.LittleEndian.AppendUint32(key, uint32(guard))
	return c.number(key, condition{guard: guard, want: want, and: base})
}

// or holds when one of them does.
func (c *conditions) or(any []int32) int32 {
	if slices.Contains(any, always) {
		return always
	}
	any = slices.Clone(any)
	slices.Sort(any)
	any = slices.Compact(any)
	if len(any) == 1 {
		return any[0]
	}
	key := []byte{'|'}
	for _, n := range any {
		key = binary.LittleEndian.AppendUint32(key, uint32(n))
	}
	return c.number(key, condition{guard: none, any: any})
}

// guard adds what @skip and @include say.
func (c *conditions) guard(base int32, directives ast.DirectiveList) int32 {
	for _, d := range directives {
		want := d.Name == "include"
		if !want && d.Name != "skip" {
			continue
		}
		arg := d.Arguments.ForName("if")
		if arg == nil || arg.Value == nil {
			continue
		}
		if arg.Value.Kind != ast.Variable {
			if (arg.Value.Raw == "true") != want {
				return never
			}
			continue
		}
		guard := slices.Index(c.guards, arg.Value.Raw)
		if guard < 0 {
			guard = len(c.guards)
			c.guards = append(c.guards, arg.Value.Raw)
		}
		if base = c.and(base, int32(guard), want); base == never {
			return never
		}
	}
	return base
}

// truth is what is known of a Boolean variable.
type truth uint8

const (
	no truth = iota
	yes
	either // a value that isn't known: whatever may be, is taken to be
)

// evaluate says which conditions hold.
func (c *conditions) evaluate(guards []truth, holds []bool) {
	holds[always] = true
	for i := 1; i < len(c.list); i++ {
		at := &c.list[i]
		if at.any != nil {
			holds[i] = slices.ContainsFunc(at.any, func(n int32) bool { return holds[n] })
			continue
		}
		t := guards[at.guard]
		holds[i] = holds[at.and] && (t == either || (t == yes) == at.want)
	}
}

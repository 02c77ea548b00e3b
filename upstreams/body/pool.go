package body

import (
	"math/bits"
	"sync"
)

const (
	// smallest and largest are the sizes of memory that is kept: powers of two from 1 KiB to 1 MiB. What is larger is
	// left to the garbage collector, so that one big answer doesn't stay for good.
	smallest = 10
	largest  = 20
)

// Pool is where bodies get their memory and return it. The zero value is ready, and nil is the pool that Read uses.
type Pool struct {
	// Poison overwrites memory that is returned, and makes wrong use of a body a panic: for tests. With the race
	// detector all pools do that.
	Poison bool

	sizes [largest - smallest + 1]sync.Pool // of *memory
}

// Poisoned is what memory is overwritten with: no text of JSON has it.
const Poisoned = 0xDB

// shared is the pool of the program.
var shared Pool

// memory is a piece of memory, of a size of the pool or larger than all of them.
type memory struct{ bytes []byte }

func (p *Pool) poisons() bool { return raced || p != nil && p.Poison }

// get has room for at least n bytes.
func (p *Pool) get(n int) *memory {
	class := classOf(n)
	if class > largest {
		return &memory{make([]byte, n)}
	}
	if m, ok := p.sizes[class-smallest].Get().(*memory); ok {
		return m
	}
	return &memory{make([]byte, 1<<class)}
}

// put takes memory back. Only that of a pool's size is kept.
func (p *Pool) put(m *memory) {
	if p.poisons() {
		for i := range m.bytes {
			m.bytes[i] = Poisoned
		}
	}
	if class := classOf(len(m.bytes)); class <= largest && len(m.bytes) == 1<<class {
		p.sizes[class-smallest].Put(m)
	}
}

// classOf is the power of two that has room for n bytes.
func classOf(n int) int {
	if n <= 1<<smallest {
		return smallest
	}
	return bits.Len(uint(n - 1))
}

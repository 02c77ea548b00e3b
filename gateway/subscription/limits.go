package subscription

import "sync"

// limits count what clients have open.
type limits struct {
	connections, operations int

	mu      sync.Mutex // guards what follows
	clients map[string]*usage
}

type usage struct{ connections, operations int }

func newLimits(c Config) *limits {
	return &limits{connections: c.MaxClientConnections, operations: c.MaxClientOperations, clients: map[string]*usage{}}
}

// connect counts a connection of a client's. It is false, and doesn't count, when that is one too many.
func (l *limits) connect(account string) bool {
	return l.add(account, func(u *usage) bool {
		if u.connections >= l.connections {
			return false
		}
		u.connections++
		return true
	})
}

func (l *limits) disconnect(account string) {
	l.add(account, func(u *usage) bool { u.connections--; return true })
}

// begin counts an operation of a client's. It is false, and doesn't count, when that is one too many.
func (l *limits) begin(account string) bool {
	return l.add(account, func(u *usage) bool {
		if u.operations >= l.operations {
			return false
		}
		u.operations++
		return true
	})
}

func (l *limits) end(account string) {
	l.add(account, func(u *usage) bool { u.operations--; return true })
}

func (l *limits) add(account string, change func(*usage) bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.clients[account]
	if u == nil {
		u = &usage{}
	}
	ok := change(u)
	if *u == (usage{}) {
		delete(l.clients, account)
	} else {
		l.clients[account] = u
	}
	return ok
}

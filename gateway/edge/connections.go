package edge

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/tributary-gateway/tributary/gateway/address"
)

// Connections bounds how many connections there may be. A zero field means its default.
type Connections struct {
	// Max is how many there may be in all. Default: 30000.
	Max int `yaml:"max" json:"max,omitempty"`
	// MaxPerAddress is how many of them may be from one address, or from one network of 64 bits with IPv6. Trusted proxies
	// aren't counted, and this machine only with count_loopback. Default: 1000.
	MaxPerAddress int `yaml:"max_per_address" json:"max_per_address,omitempty"`
	// CountLoopback counts connections from this machine by address too. Default: false.
	CountLoopback bool `yaml:"count_loopback" json:"count_loopback,omitempty"`
}

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c Connections) WithDefaults() Connections {
	if c.Max == 0 {
		c.Max = 30_000
	}
	if c.MaxPerAddress == 0 {
		c.MaxPerAddress = min(1000, c.Max)
	}
	return c
}

// Validate names everything wrong, by its keys, and both keys where two contradict.
func (c Connections) Validate() error {
	var problems []error
	for _, f := range []struct {
		key   string
		value int
	}{{"max", c.Max}, {"max_per_address", c.MaxPerAddress}} {
		if f.value < 0 || f.value > 10_000_000 {
			problems = append(problems, fmt.Errorf("%s: is %d; give 1 to 10000000", f.key, f.value))
		}
	}
	if c.Max > 0 && c.MaxPerAddress > c.Max {
		problems = append(problems, fmt.Errorf("max_per_address (%d) is over max (%d)", c.MaxPerAddress, c.Max))
	}
	return errors.Join(problems...)
}

// Listener accepts connections as long as there are few enough, and closes those beyond at once: before TLS, before a
// byte is read.
type Listener struct {
	net.Listener

	config  Connections
	exempt  address.Proxies
	logger  *slog.Logger
	mu      sync.Mutex // guards what follows
	open    int
	from    map[netip.Prefix]int
	refused int       // since told
	told    time.Time // when the log last had a line
}

// Limit wraps a listener. exempt are the trusted proxies; the logger, which may be nil, gets a line a minute at most while
// connections are refused.
func Limit(l net.Listener, c Connections, exempt address.Proxies, logger *slog.Logger) (*Listener, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("connections: %w", err)
	}
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Listener{Listener: l, config: c.WithDefaults(), exempt: exempt, logger: logger, from: map[netip.Prefix]int{}}, nil
}

// Accept is net.Listener's.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		account, ok := l.admit(conn.RemoteAddr())
		if ok {
			return &counting{Conn: conn, listener: l, account: account}, nil
		}
		if tcp, ok := conn.(interface{ SetLinger(sec int) error }); ok {
			_ = tcp.SetLinger(0) // nothing was sent that could be lost, and no state remains in the kernel
		}
		_ = conn.Close() // nor here
	}
}

// Open is how many connections there are.
func (l *Listener) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// admit counts a connection. account is invalid when it isn't counted by address.
func (l *Listener) admit(peer net.Addr) (account netip.Prefix, ok bool) {
	if peer != nil {
		if a, ok := address.Parse(peer.String()); ok && !l.exempt.Trusts(a) && (l.config.CountLoopback || !a.IsLoopback()) {
			account = address.Account(a)
		}
	}
	ok, tell := l.count(account)
	if tell != nil {
		l.logger.Warn("connections are refused", tell...)
	}
	return account, ok
}

// count counts a connection, or one that is refused; now and then there is something to tell of those.
func (l *Listener) count(account netip.Prefix) (ok bool, tell []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open >= l.config.Max || account.IsValid() && l.from[account] >= l.config.MaxPerAddress {
		l.refused++
		if now := time.Now(); now.Sub(l.told) >= time.Minute {
			tell = []any{"refused", l.refused, "open", l.open, "latest_from", account, "from_there", l.from[account]}
			l.told, l.refused = now, 0
		}
		return false, tell
	}
	l.open++
	if account.IsValid() {
		l.from[account]++
	}
	return true, nil
}

func (l *Listener) release(account netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if !account.IsValid() {
		return
	}
	if l.from[account]--; l.from[account] == 0 {
		delete(l.from, account)
	}
}

// counting is a connection that is counted until it is closed, whoever has it by then.
type counting struct {
	net.Conn

	listener *Listener
	account  netip.Prefix
	once     sync.Once
}

// Close is net.Conn's.
func (c *counting) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { c.listener.release(c.account) })
	return err
}

// NetConn is the connection that is counted, as crypto/tls names it.
func (c *counting) NetConn() net.Conn { return c.Conn }

// CloseWrite lets net/http close gently, so that a client still reads the answer to what it went on sending.
func (c *counting) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

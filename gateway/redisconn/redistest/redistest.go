// Package redistest starts Redis servers for tests: single ones, a Cluster, a master with replica and Sentinels.
//
// They are real redis-server processes on free ports of the loopback, with their files in the test's directory, and they
// end with the test. A test that can't have one, because redis-server isn't on the PATH, is skipped; in CI it's there.
package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

// patience is how long anything may take that happens by itself, on a machine with more to do.
const patience = 30 * time.Second

// Server is one process.
type Server struct {
	// Address is its host:port; a restarted server keeps it.
	Address string

	t       testing.TB
	args    []string
	dir     string
	process *exec.Cmd
}

// Start starts a server without persistence. args are added to its command line.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return start(t, "", args...)
}

func start(t testing.TB, file string, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not on the PATH")
	}
	logging.Disable() // go-redis tells of every attempt
	s := &Server{t: t, dir: t.TempDir()}
	t.Cleanup(s.Kill)
	for range 5 { // somebody else may take the port first
		s.Address = fmt.Sprintf("127.0.0.1:%d", freePort(t))
		s.args = nil
		if file != "" {
			path := filepath.Join(s.dir, "redis.conf")
			if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
				t.Fatal(err)
			}
			s.args = []string{path}
		}
		s.args = append(s.args, "--port", s.Port(), "--bind", "127.0.0.1", "--dir", s.dir)
		if !strings.Contains(strings.Join(args, " "), "--sentinel") {
			s.args = append(s.args, "--save", "", "--appendonly", "no")
		}
		s.args = append(s.args, args...)
		if s.run() {
			return s
		}
	}
	t.Fatalf("redis-server %q doesn't start", s.args)
	return nil
}

// Port is the port of the address.
func (s *Server) Port() string {
	_, port, _ := net.SplitHostPort(s.Address)
	return port
}

// run starts the process and waits until it answers. It says whether it does.
func (s *Server) run() bool {
	s.t.Helper()
	s.process = exec.CommandContext(context.Background(), "redis-server", s.args...) // Kill ends it
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func(p *exec.Cmd) {
		_ = p.Wait() // killed, mostly
		close(ended)
	}(s.process)
	answers := make(chan struct{})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	go func() {
		client := s.Client()
		defer func() { _ = client.Close() }() // nothing to be lost
		if until(ctx, func() bool {
			err := client.Ping(ctx).Err()
			return err == nil || strings.HasPrefix(err.Error(), "NOAUTH")
		}) {
			close(answers)
		}
	}()
	select {
	case <-answers:
		return true
	case <-ended:
		return false
	case <-ctx.Done():
		return false
	}
}

// Client makes a plain client of this server, that waits long.
func (s *Server) Client() *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr: s.Address, Protocol: 2, DisableIdentity: true, DialTimeout: patience, ReadTimeout: patience, MaxRetries: -1, DialerRetries: 1,
	})
}

// Do sends one command and returns its answer.
func (s *Server) Do(args ...any) any {
	s.t.Helper()
	v, err := s.Try(args...)
	if err != nil {
		s.t.Fatalf("%v: %v", args, err)
	}
	return v
}

// Try is Do for a server that may be gone, or that may end the connection: Sentinels do that when they make it a master.
func (s *Server) Try(args ...any) (any, error) {
	client := s.Client()
	defer func() { _ = client.Close() }() // nothing to be lost
	v, err := client.Do(context.Background(), args...).Result()
	if errors.Is(err, redis.Nil) {
		err = nil
	}
	return v, err
}

// Pause stops the process without ending it: connections stay, nothing answers.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Continue undoes Pause.
func (s *Server) Continue() { s.signal(syscall.SIGCONT) }

// Kill ends the process at once.
func (s *Server) Kill() {
	if s.process != nil && s.process.Process != nil {
		_ = s.process.Process.Kill() // it may have ended
	}
}

// Restart starts a killed server again at its address, empty.
func (s *Server) Restart() {
	s.t.Helper()
	if !s.run() {
		s.t.Fatal("redis-server doesn't start again")
	}
}

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.process.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// Until waits for a condition, and fails the test when it doesn't come.
func Until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if !until(ctx, condition) {
		t.Fatalf("in %v not seen: %s", patience, what)
	}
}

func until(ctx context.Context, condition func() bool) bool {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// freePort is one that a Cluster's second port is free for too, 10000 above.
func freePort(t testing.TB) int {
	t.Helper()
	for {
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address, _ := l.Addr().(*net.TCPAddr)
		_ = l.Close() // it was for the number only
		if address.Port <= 55000 {
			return address.Port
		}
	}
}

// Cluster starts a Cluster of masters that share the slots evenly.
func Cluster(t testing.TB, masters int) []*Server {
	t.Helper()
	nodes := make([]*Server, masters)
	for i := range nodes {
		nodes[i] = Start(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no")
	}
	const slots = 16384
	for i, node := range nodes {
		node.Do("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*slots/masters), strconv.Itoa((i+1)*slots/masters-1))
		node.Do("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		if i > 0 {
			node.Do("CLUSTER", "MEET", "127.0.0.1", nodes[0].Port())
		}
	}
	for _, node := range nodes {
		Until(t, "a Cluster", func() bool {
			info := fmt.Sprint(node.Do("CLUSTER", "INFO"))
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_slots_ok:16384") &&
				strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d", masters))
		})
	}
	return nodes
}

// Sentinels starts a master named "main", a replica of it and three Sentinels that fail over after half a second.
func Sentinels(t testing.TB) (master, replica *Server, sentinels []*Server) {
	t.Helper()
	master = Start(t)
	replica = Start(t, "--replicaof", "127.0.0.1 "+master.Port(), "--repl-diskless-sync-delay", "0")
	Until(t, "a replica", func() bool {
		return strings.Contains(fmt.Sprint(replica.Do("INFO", "replication")), "master_link_status:up")
	})
	for range 3 {
		sentinels = append(sentinels, start(t, "sentinel monitor main 127.0.0.1 "+master.Port()+" 2\n"+
			"sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\n", "--sentinel"))
	}
	for _, s := range sentinels {
		Until(t, "Sentinels that know each other and the replica", func() bool {
			info := fmt.Sprint(s.Do("INFO", "sentinel"))
			return strings.Contains(info, "slaves=1,sentinels=3") && strings.Contains(info, "status=ok")
		})
	}
	return master, replica, sentinels
}

// Addresses are those of several servers.
func Addresses(servers ...*Server) []string {
	all := make([]string, len(servers))
	for i, s := range servers {
		all[i] = s.Address
	}
	return all
}
